"""What the usage pages read, counted with the rows: all keys by hour, each key by day, attempts by hour and address."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, select, tuple_

from ari.base.clock import DAY_MS, HOUR_MS
from ari.storage.bulk import insert_rows
from ari.storage.tables import usage_all_hours, usage_attempt_hours, usage_days
from ari.usage.floods import HourlyAddresses
from ari.usage.model import OTHER_ADDRESSES, Attempt, UsageRow

ADD_ALL = "ON CONFLICT (hour_ms, with_key, code) DO UPDATE SET count = usage_all_hours.count + excluded.count"
ADD_DAYS = """ON CONFLICT (key_id, day_ms) DO UPDATE SET
    accepted_count = usage_days.accepted_count + excluded.accepted_count,
    refused_count = usage_days.refused_count + excluded.refused_count"""
_ADD_ADDRESSES = """ON CONFLICT (hour_ms, reason, address) DO UPDATE SET
    count = usage_attempt_hours.count + excluded.count,
    last_at_ms = CASE WHEN excluded.last_at_ms > usage_attempt_hours.last_at_ms
        THEN excluded.last_at_ms ELSE usage_attempt_hours.last_at_ms END"""

_addresses = usage_attempt_hours.c
_ADDRESS_KEY = usage_attempt_hours.primary_key.columns


class AttemptHour(NamedTuple):
    """The primary key of ``usage_attempt_hours``."""

    hour_ms: int
    reason: str
    address: str


class Rollups:
    """The counters of one process."""

    def __init__(self) -> None:
        self._told_apart = HourlyAddresses()

    def count(
        self, connection: Connection, added: Iterable[tuple[UsageRow, int]], attempts: Iterable[Attempt] = ()
    ) -> None:
        """Add what each row added to the log, and the attempts."""
        days: dict[tuple[str, int], list[int]] = {}
        hours: dict[tuple[int, bool, str], int] = {}
        for row, count in added:
            if not count:
                continue
            hour = (_start(row.at_ms, HOUR_MS), True, row.code)
            hours[hour] = hours.get(hour, 0) + count
            day = days.setdefault((row.key_id, _start(row.at_ms, DAY_MS)), [0, 0])
            day[0 if row.accepted else 1] += count
        sources: dict[AttemptHour, list[int]] = {}
        for attempt in attempts:
            hour_ms = _start(attempt.at_ms, HOUR_MS)
            hours[hour_ms, False, attempt.reason] = hours.get((hour_ms, False, attempt.reason), 0) + attempt.count
            address = self._told_apart.bucket_for(attempt.address, attempt.at_ms)
            source = sources.setdefault(AttemptHour(hour_ms, attempt.reason, address), [0, attempt.at_ms])
            source[0] += attempt.count
            source[1] = max(source[1], attempt.at_ms)
        _add_days(connection, days)
        _add_addresses(connection, sources)
        rows = sorted((*hour, count) for hour, count in hours.items())
        if rows:
            insert_rows(connection, usage_all_hours, tuple(usage_all_hours.c.keys()), rows, ADD_ALL)


def attempt_hours_among(connection: Connection, addresses: Sequence[str]) -> list[AttemptHour]:
    """Where any of these addresses stands. Reads the whole table, which retention and the flood rules keep small."""
    query = select(*_ADDRESS_KEY).where(_addresses.address.in_(addresses))
    return sorted(AttemptHour(*row) for row in connection.execute(query))


def move_attempt_hours(connection: Connection, found: Sequence[AttemptHour]) -> None:
    """Add these counts to the others', one by one in the order in which commits lock them."""
    for one in found:
        this = and_(*(column == value for column, value in zip(_ADDRESS_KEY, one, strict=True)))
        counts = select(_addresses["count"], _addresses.last_at_ms).where(this).with_for_update()
        row = connection.execute(counts).first()
        if row is not None:
            connection.execute(delete(usage_attempt_hours).where(this))
            _add_addresses(connection, {one._replace(address=OTHER_ADDRESSES): list(row)})


def remove_attempt_hours(connection: Connection, before_ms: int, limit: int) -> int:
    """Forget at most so many of those whose last attempt was before; how many went."""
    old = select(*_ADDRESS_KEY).where(_addresses.hour_ms < before_ms, _addresses.last_at_ms < before_ms)
    found = [tuple(row) for row in connection.execute(old.order_by(*_ADDRESS_KEY).limit(limit).with_for_update())]
    if found:
        span = tuple_(*_ADDRESS_KEY) <= tuple_(*found[-1])
        connection.execute(delete(usage_attempt_hours).where(span, _addresses.last_at_ms < before_ms))
    return len(found)


def _add_days(connection: Connection, days: dict[tuple[str, int], list[int]]) -> None:
    rows = sorted((*day, *counts) for day, counts in days.items())
    if rows:
        insert_rows(connection, usage_days, tuple(usage_days.c.keys()), rows, ADD_DAYS)


def _add_addresses(connection: Connection, sources: dict[AttemptHour, list[int]]) -> None:
    rows = sorted((*source, *counts) for source, counts in sources.items())
    if rows:
        insert_rows(connection, usage_attempt_hours, tuple(usage_attempt_hours.c.keys()), rows, _ADD_ADDRESSES)


def _start(at_ms: int, length_ms: int) -> int:
    return at_ms - at_ms % length_ms
