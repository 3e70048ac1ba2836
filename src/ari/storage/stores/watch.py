"""The watch's data in the keys database; implements ``usage.watch.ports.WatchStore``."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, and_, delete, false, select

from ari.keys.listing import LivingKey
from ari.keys.model import ApiKey
from ari.storage.bulk import insert_rows
from ari.storage.stores.keys import COLUMNS, KEYS, is_active, key_of
from ari.storage.tables import api_keys, key_secrets, watch_quiet
from ari.usage.watch.retiring import RetiringSecret

_SUCCESSORS = key_secrets.alias("successors")
_t, _quiet, _old, _new = api_keys.c, watch_quiet.c, key_secrets.c, _SUCCESSORS.c
_AT_ONCE = 500
_LATER = """ON CONFLICT (mark) DO UPDATE SET
    until_ms = CASE WHEN excluded.until_ms > watch_quiet.until_ms
        THEN excluded.until_ms ELSE watch_quiet.until_ms END"""


class WatchTables:
    """Marks and keys inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_muted(self, now_ms: int) -> set[str]:
        return set(self._connection.scalars(select(_quiet.mark).where(_quiet.until_ms > now_ms)))

    def mute(self, until_ms: Mapping[str, int]) -> None:
        insert_rows(self._connection, watch_quiet, ("mark", "until_ms"), sorted(until_ms.items()), _LATER)

    def forget(self, now_ms: int) -> None:
        self._connection.execute(delete(watch_quiet).where(_quiet.until_ms <= now_ms))

    def list_expiring(self, since_ms: int, until_ms: int, now_ms: int) -> list[LivingKey]:
        columns = _t.id, _t.name, _t.hint, _t.created_at_ms, _t.expires_at_ms
        works = _t.deleted_at_ms.is_(None), is_active(now_ms), _t.disabled == false()
        span = _t.expires_at_ms > since_ms, _t.expires_at_ms <= until_ms
        query = select(*columns).where(*works, *span).order_by(_t.expires_at_ms, _t.id)
        return [LivingKey(*row) for row in self._connection.execute(query)]

    def list_retiring(self, until_ms: int, now_ms: int) -> list[RetiringSecret]:
        columns = _t.id, _t.name, _old.number, _old.hint, _new.created_at_ms, _old.retires_at_ms
        works = _t.deleted_at_ms.is_(None), is_active(now_ms), _t.disabled == false()
        span = _old.retires_at_ms > now_ms, _old.retires_at_ms <= until_ms, _old.retired_seen_at_ms.is_(None)
        successor = and_(_new.key_id == _old.key_id, _new.number == _old.number + 1)
        query = (
            select(*columns)
            .select_from(key_secrets)
            .join(_SUCCESSORS, successor)
            .join(api_keys, _t.id == _old.key_id)
            .where(*works, *span)
            .order_by(_old.retires_at_ms, _t.id)
        )
        return [RetiringSecret(*row) for row in self._connection.execute(query)]

    def keys(self, key_ids: Sequence[str]) -> dict[str, ApiKey]:
        found: dict[str, ApiKey] = {}
        for start in range(0, len(key_ids), _AT_ONCE):
            query = select(*COLUMNS).select_from(KEYS).where(_t.id.in_(key_ids[start : start + _AT_ONCE]))
            found.update((key.id, key) for key in map(key_of, self._connection.execute(query)))
        return found
