"""Queries of the watch; implements ``usage.watch.ports.WatchedUse``.

They read only rollups and short spans of indexes: the refusals of some minutes and the addresses of keys used in them.
Of a flood, only the latest refusals are read.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Engine, Select, func, select

from ari.base.clock import HOUR_MS, MINUTE_MS
from ari.storage.tables import (
    usage_all_hours,
    usage_attempts,
    usage_days,
    usage_hours,
    usage_seen,
    usage_totals,
)
from ari.storage.usage import listing
from ari.storage.usage.log_reads import begin_read
from ari.storage.usage.log_rows import LogRows
from ari.usage.model import OTHERS, KeyClient, SecretUse
from ari.usage.watch.bursts import AddressBurst
from ari.usage.watch.dead_calls import CODES
from ari.usage.watch.ports import KeyRefusals, LateKey

_hours, _all = usage_hours.c, usage_all_hours.c
_days, _seen, _totals, _attempts = usage_days.c, usage_seen.c, usage_totals.c, usage_attempts.c
_MAX_REFUSALS = 20_000
"""How many of the latest refusals of one code are read."""
_KEYS_PER_QUERY = 500
_SEEN = (_seen.value, _seen.accepted_count, _seen.refused_count, _seen.first_seen_at_ms, _seen.last_seen_at_ms)


class WatchedTables:
    """The usage log of one engine. ``catch_up`` folds the staged entries if they are few; ``rows`` reads one by one."""

    def __init__(self, engine: Engine, rows: LogRows, catch_up: Callable[[], bool]) -> None:
        self._engine = engine
        self._rows = rows
        self._catch_up = catch_up

    def fold(self) -> None:
        """Fold the staged entries if they are few and that is possible now."""
        self._catch_up()

    def late_keys(self, since_ms: int) -> list[LateKey]:
        found: dict[str, LateKey] = {}
        for code in CODES:
            for key_id, _, at_ms in self._rows.latest_uses(code, since_ms, _MAX_REFUSALS):
                if key_id not in found or found[key_id].last_at_ms < at_ms:
                    found[key_id] = LateKey(key_id, code, at_ms)
        return sorted(found.values(), key=lambda one: -one.last_at_ms)

    def secret_use(self, key_id: str, number: int) -> SecretUse:
        return self._rows.secret_use(key_id, number)

    def count_refused(self, key_id: str, codes: Sequence[str], since_ms: int, until_ms: int) -> int:
        query = select(func.coalesce(func.sum(_hours["count"]), 0)).where(
            _hours.key_id == key_id,
            _hours.hour_ms >= since_ms - since_ms % HOUR_MS,
            _hours.hour_ms < until_ms - until_ms % HOUR_MS,
            _hours.code.in_(codes),
        )
        return self._number(query)

    def list_refused_addresses(self, key_id: str, since_ms: int, limit: int) -> list[str]:
        query = (
            select(_seen.value)
            .where(_seen.key_id == key_id, _seen.kind == "address", _seen.value != OTHERS)
            .where(_seen.refused_count > 0, _seen.last_seen_at_ms >= since_ms)
            .order_by(_seen.last_seen_at_ms.desc(), _seen.value)
            .limit(limit)
        )
        with begin_read(self._engine) as connection:
            return list(connection.scalars(query))

    def last_used(self, key_ids: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        with begin_read(self._engine) as connection:
            for start in range(0, len(key_ids), _KEYS_PER_QUERY):
                some = key_ids[start : start + _KEYS_PER_QUERY]
                query = select(_totals.key_id, _totals.last_used_at_ms)
                query = query.where(_totals.key_id.in_(some), _totals.last_used_at_ms.is_not(None))
                found.update((key_id, at_ms) for key_id, at_ms in connection.execute(query))
        return found

    def days_used(self, key_ids: Sequence[str], since_ms: int) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        with begin_read(self._engine) as connection:
            for start in range(0, len(key_ids), _KEYS_PER_QUERY):
                query = select(_days.key_id, _days.day_ms).where(
                    _days.key_id.in_(key_ids[start : start + _KEYS_PER_QUERY]),
                    _days.day_ms >= since_ms,
                    _days.accepted_count > 0,
                )
                for key_id, day_ms in connection.execute(query.order_by(_days.key_id, _days.day_ms)):
                    found.setdefault(key_id, []).append(day_ms)
        return found

    def last_uses(self) -> dict[str, int]:
        with begin_read(self._engine) as connection:
            return listing.last_uses(connection)

    def list_new_addresses(self, used_since_ms: int, first_since_ms: int, limit: int) -> dict[str, list[KeyClient]]:
        """Joins the keys that were used to their addresses: the index begins with the key."""
        query = (
            select(_totals.key_id, *_SEEN)
            .join_from(usage_totals, usage_seen, _seen.key_id == _totals.key_id)
            .where(_totals.last_used_at_ms >= used_since_ms, _totals.first_used_at_ms < first_since_ms)
            .where(_seen.kind == "address", _seen.value != OTHERS, _seen.accepted_count > 0)
            .where(_seen.first_seen_at_ms >= first_since_ms, _seen.last_seen_at_ms >= used_since_ms)
            .limit(limit)
        )
        found: dict[str, list[KeyClient]] = {}
        with begin_read(self._engine) as connection:
            for key_id, *seen in connection.execute(query):
                found.setdefault(key_id, []).append(KeyClient(*seen))
        return found

    def list_addresses(self, key_id: str, limit: int) -> list[KeyClient]:
        query = select(*_SEEN).where(_seen.key_id == key_id, _seen.kind == "address", _seen.value != OTHERS)
        with begin_read(self._engine) as connection:
            return [KeyClient(*row) for row in connection.execute(query.order_by(_seen.first_seen_at_ms).limit(limit))]

    def refusals(self, since_ms: int, *, with_key: bool, codes: Sequence[str]) -> int:
        query = select(func.coalesce(func.sum(_all["count"]), 0)).where(
            _all.hour_ms >= since_ms - since_ms % HOUR_MS, _all.with_key.is_(with_key), _all.code.in_(codes)
        )
        return self._number(query)

    def list_refused_keys(self, since_ms: int, codes: Sequence[str], least: int) -> list[KeyRefusals]:
        counts: dict[str, dict[str, int]] = {}
        for code in codes:
            for key_id, count, _ in self._rows.latest_uses(code, since_ms, _MAX_REFUSALS):
                counts.setdefault(key_id, {})[code] = count
        found = [KeyRefusals(key_id, sum(by_code.values()), sorted(by_code)) for key_id, by_code in counts.items()]
        return sorted((one for one in found if one.refused >= least), key=lambda one: -one.refused)

    def loud_addresses(self, since_ms: int, codes: Sequence[str], least: int, limit: int) -> list[AddressBurst]:
        span = _attempts.minute_ms >= since_ms - since_ms % MINUTE_MS, _attempts.reason.in_(codes)
        total = func.sum(_attempts["count"])
        loud = select(_attempts.address, total).where(*span).group_by(_attempts.address).having(total >= least)
        with begin_read(self._engine) as connection:
            found = connection.execute(loud.order_by(total.desc(), _attempts.address).limit(limit)).all()
            named = select(_attempts.address, _attempts.reason).distinct()
            named = named.where(*span, _attempts.address.in_([row[0] for row in found]))
            reasons: dict[str, list[str]] = {}
            for address, reason in connection.execute(named) if found else ():
                reasons.setdefault(address, []).append(reason)
        return [AddressBurst(address, int(count), sorted(reasons[address])) for address, count in found]

    def _number(self, query: Select[Any]) -> int:
        with begin_read(self._engine) as connection:
            return int(connection.execute(query).scalar_one())
