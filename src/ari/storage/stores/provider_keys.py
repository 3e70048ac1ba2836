"""The stored keys of providers; the secrets themselves are among the encrypted secrets."""

from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from ari.base.ids import new_id
from ari.integrations.model import ProviderKey, TestResult
from ari.storage.dialect import insert
from ari.storage.tables import integrations, provider_keys

_t = provider_keys.c


class ProviderKeyTable:
    """Implements ``integrations.ports.ProviderKeyStore`` inside the transaction of ``connection``.

    Every change gives the provider a new mark, so that the gateway's lookup reads its keys again.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, provider: str) -> tuple[ProviderKey, ...]:
        query = select(provider_keys).where(_t.provider == provider).order_by(_t.position, _t.id)
        return tuple(_key(row) for row in self._connection.execute(query))

    def get(self, key_id: str) -> ProviderKey | None:
        row = self._connection.execute(select(provider_keys).where(_t.id == key_id)).first()
        return None if row is None else _key(row)

    def save(self, key: ProviderKey) -> None:
        kept = {
            "label": key.label,
            "mask": key.mask,
            "position": key.position,
            "sealed_subject": key.sealed_subject,
            "added_at_ms": key.added_at_ms,
            "added_by": key.added_by,
            "tested_at_ms": key.tested_at_ms,
            "test_outcome": None if key.tested is None else key.tested.outcome,
            "test_words": None if key.tested is None else key.tested.words,
            "failing_since_ms": key.failing_since_ms,
            "failing_reason": key.failing_reason,
        }
        row = insert(self._connection, provider_keys).values(id=key.id, provider=key.provider, **kept)
        self._connection.execute(row.on_conflict_do_update(index_elements=["id"], set_=kept))
        self._mark(key.provider)

    def remove(self, key: ProviderKey) -> None:
        self._connection.execute(delete(provider_keys).where(_t.id == key.id))
        self._mark(key.provider)

    def _mark(self, provider: str) -> None:
        change = update(integrations).where(integrations.c.provider == provider)
        self._connection.execute(change.values(pool_mark=new_id("mrk", 0)))


def _key(row: Row[Any]) -> ProviderKey:
    return ProviderKey(
        id=row.id,
        provider=row.provider,
        mask=row.mask,
        added_at_ms=row.added_at_ms,
        added_by=row.added_by,
        sealed_subject=row.sealed_subject,
        label=row.label,
        position=row.position,
        tested_at_ms=row.tested_at_ms,
        tested=None if row.test_outcome is None else TestResult(row.test_outcome, row.test_words),
        failing_since_ms=row.failing_since_ms,
        failing_reason=row.failing_reason,
    )
