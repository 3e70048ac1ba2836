"""Rows with decisions in them: written, and in the same transaction all that is counted from them.

Counts follow what was really added: a row with an id already stored adds only what its ``count`` is larger by. So
totals = rollups = log, also when a batch is committed again after a fault that left its outcome unknown.
Everything is written in the order of its key, so that nodes which share PostgreSQL never wait for each other in a ring.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from msgspec.structs import astuple, replace
from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.exc import DataError, IntegrityError

from ari.base.clock import HOUR_MS, MINUTE_MS
from ari.storage.bulk import insert_rows
from ari.storage.tables import usage_attempts, usage_hours, usage_rows, usage_totals
from ari.storage.usage.ai import count_uses
from ari.storage.usage.clients import SeenCounter
from ari.storage.usage.rollups import Rollups
from ari.usage.ai import AiUse
from ari.usage.model import OTHER_ADDRESSES, Attempt, Completion, UsageRow
from ari.usage.ports import Batch

REFUSALS = (DataError, IntegrityError, UnicodeError, OverflowError)
"""How a database or its driver refuses a value, as opposed to being unable to answer."""

_TOTALS = ("key_id", "request_count", "refused_count", "first_used_at_ms", "last_used_at_ms")
ROW_FIELDS = UsageRow.__struct_fields__[:-1]
"""The last one, ``ai``, has a table of its own."""
_id = attrgetter("id")

_HIGHER_COUNT = "ON CONFLICT (id) DO UPDATE SET count = excluded.count WHERE usage_rows.count < excluded.count"
ADD_HOURS = "ON CONFLICT (key_id, hour_ms, route, code) DO UPDATE SET count = usage_hours.count + excluded.count"
ADD_TOTALS = """ON CONFLICT (key_id) DO UPDATE SET
    request_count = usage_totals.request_count + excluded.request_count,
    refused_count = usage_totals.refused_count + excluded.refused_count,
    first_used_at_ms = CASE
        WHEN usage_totals.first_used_at_ms IS NULL OR excluded.first_used_at_ms < usage_totals.first_used_at_ms
        THEN excluded.first_used_at_ms ELSE usage_totals.first_used_at_ms END,
    last_used_at_ms = CASE
        WHEN usage_totals.last_used_at_ms IS NULL OR excluded.last_used_at_ms > usage_totals.last_used_at_ms
        THEN excluded.last_used_at_ms ELSE usage_totals.last_used_at_ms END"""
_ADD_ATTEMPTS = "ON CONFLICT (minute_ms, reason, address) DO UPDATE SET count = usage_attempts.count + excluded.count"
_COMPLETE = (
    update(usage_rows)
    .where(usage_rows.c.id == bindparam("row"))
    .values(status=bindparam("given_status"), duration_ms=bindparam("given_ms"), bytes=bindparam("given_bytes"))
)

_T = TypeVar("_T")
Added = list[tuple[UsageRow, int]]
"""Rows with how much each added to the log."""


def row_values(row: UsageRow) -> tuple[Any, ...]:
    """What is stored of a row, in the order of ``ROW_FIELDS``."""
    return astuple(row)[:-1]


def write_all(connection: Connection, batch: Batch, seen: SeenCounter, rollups: Rollups) -> None:
    """Write the batch in few statements. Raises one of ``REFUSALS`` if the database refuses any value of it."""
    added = _add_all(connection, batch.rows)
    _roll_up(connection, added)
    seen.count(connection, added)
    _complete(connection, batch.completions)
    count_uses(connection, [done for done in batch.completions if isinstance(done, AiUse)])
    count_attempts(connection, batch.attempts)
    rollups.count(connection, added, batch.attempts)


def write_each(connection: Connection, batch: Batch, seen: SeenCounter, rollups: Rollups) -> None:
    """Write the batch one by one; what the database refuses is stored without its caller's texts."""
    added = [_add_one(connection, row) for row in _unique(batch.rows)]
    _roll_up(connection, added)
    seen.count(connection, added)
    for completion in sorted(batch.completions, key=_id):
        write: Callable[[Connection, list[Any]], None] = count_uses if isinstance(completion, AiUse) else _complete
        _tried(connection, write, completion)
    counted = [_count_one(connection, attempt) for attempt in batch.attempts]
    rollups.count(connection, added, counted)


def _count_one(connection: Connection, attempt: Attempt) -> Attempt:
    """Count it; the attempt as it was counted."""
    if not _tried(connection, count_attempts, attempt):
        attempt = replace(attempt, address=OTHER_ADDRESSES)
        count_attempts(connection, [attempt])
    return attempt


def _unique(rows: Iterable[UsageRow]) -> list[UsageRow]:
    """One row per id, the one with the highest count, in the order of their ids."""
    best: dict[str, UsageRow] = {}
    for row in rows:
        if row.id not in best or best[row.id].count < row.count:
            best[row.id] = row
    return sorted(best.values(), key=_id)


def _add_all(connection: Connection, rows: Iterable[UsageRow]) -> Added:
    unique = _unique(rows)
    single = [row for row in unique if row.count == 1]
    counted = [row for row in unique if row.count != 1]
    stored = _stored_counts(connection, counted)
    insert_rows(connection, usage_rows, ROW_FIELDS, [row_values(row) for row in single])
    if counted:
        insert_rows(connection, usage_rows, ROW_FIELDS, [row_values(row) for row in counted], _HIGHER_COUNT)
    return [(row, 1) for row in single] + [(row, max(0, row.count - stored.get(row.id, 0))) for row in counted]


def _stored_counts(connection: Connection, rows: Sequence[UsageRow]) -> dict[str, int]:
    if not rows:
        return {}
    ids = [row.id for row in rows]
    query = select(usage_rows.c.id, usage_rows.c["count"]).where(usage_rows.c.id.in_(ids))
    return {row.id: row[1] for row in connection.execute(query)}


def _add_one(connection: Connection, row: UsageRow) -> tuple[UsageRow, int]:
    before = _stored_counts(connection, [row]).get(row.id, 0)
    if not _tried(connection, _insert_counted, row):
        row = without_texts(row)
        _insert_counted(connection, [row])
    return row, max(0, row.count - before)


def _insert_counted(connection: Connection, rows: Sequence[UsageRow]) -> None:
    insert_rows(connection, usage_rows, ROW_FIELDS, [row_values(row) for row in rows], _HIGHER_COUNT)


def without_texts(row: UsageRow) -> UsageRow:
    """What is left where a database refuses what a caller sent."""
    return replace(
        row, request_id=row.id, method="", path="", client_address=None, user_agent=None, duration_ms=None, bytes=None
    )


def _tried(connection: Connection, write: Callable[[Connection, list[_T]], None], thing: _T) -> bool:
    """Whether the database took it; if not, all is as before."""
    try:
        with connection.begin_nested():
            write(connection, [thing])
    except REFUSALS:
        return False
    return True


def _roll_up(connection: Connection, added: Added) -> None:
    hours: dict[tuple[str, int, str, str], int] = {}
    totals: dict[str, list[Any]] = {}
    for row, count in added:
        if not count:
            continue
        hour = (row.key_id, row.at_ms - row.at_ms % HOUR_MS, row.route, row.code)
        hours[hour] = hours.get(hour, 0) + count
        total = totals.setdefault(row.key_id, [0, 0, None, None])
        if row.accepted:
            total[0] += count
            total[2] = row.at_ms if total[2] is None else min(total[2], row.at_ms)
            total[3] = row.at_ms if total[3] is None else max(total[3], row.at_ms)
        else:
            total[1] += count
    if hours:
        counted_hours = sorted((*hour, count) for hour, count in hours.items())
        insert_rows(connection, usage_hours, tuple(usage_hours.c.keys()), counted_hours, ADD_HOURS)
        counted_keys = [(key_id, *totals[key_id]) for key_id in sorted(totals)]
        insert_rows(connection, usage_totals, _TOTALS, counted_keys, ADD_TOTALS)


def _complete(connection: Connection, completions: Iterable[Completion | AiUse]) -> None:
    given = [
        {"row": done.id, "given_status": done.status, "given_ms": done.duration_ms, "given_bytes": done.bytes}
        for done in sorted(completions, key=_id)
        if isinstance(done, Completion)
    ]
    if given:
        connection.execute(_COMPLETE, given)


def count_attempts(connection: Connection, attempts: Iterable[Attempt]) -> None:
    counts: dict[tuple[int, str, str], int] = {}
    for attempt in attempts:
        bucket = (attempt.at_ms - attempt.at_ms % MINUTE_MS, attempt.reason, attempt.address)
        counts[bucket] = counts.get(bucket, 0) + attempt.count
    if counts:
        columns = tuple(usage_attempts.c.keys())
        insert_rows(connection, usage_attempts, columns, sorted((*b, n) for b, n in counts.items()), _ADD_ATTEMPTS)
