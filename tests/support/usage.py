"""Rows for the usage log, and the sum that must always come out even."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, func, select

from ari.base.ids import new_id
from ari.keys.reasons import ACCEPTED
from ari.storage.engine import Database
from ari.storage.tables import usage_all_hours, usage_days, usage_hours, usage_rows, usage_seen, usage_totals
from ari.usage.ai import AiUse
from ari.usage.model import ROW_KIND, UsageFilter, UsageRow
from ari.usage.search import UsageSearch
from tests.support.instances import START_MS, settings_for

KEY = "key_01J000000000000000000000AA"
OTHER_KEY = "key_01J000000000000000000000BB"
EVERY_ROW = UsageFilter()


def make_row(at_ms: int = START_MS, **fields: Any) -> UsageRow:
    """A request as the middleware records it; ``fields`` differ from the usual."""
    row_id = new_id(ROW_KIND, at_ms)
    usual: dict[str, Any] = {
        "id": row_id,
        "at_ms": at_ms,
        "request_id": row_id,
        "key_id": KEY,
        "key_hint": "ari_k_Ab12…yz89",
        "code": ACCEPTED,
        "method": "GET",
        "route": "/api/me",
        "path": "/api/me",
        "client_address": "192.0.2.7",
        "user_agent": "curl/7.88.1",
        "status": 200,
        "duration_ms": 0.5,
        "bytes": 120,
    }
    return UsageRow(**{**usual, **fields})


def rows_of(
    database: Database, where: UsageFilter = EVERY_ROW, before_id: str | None = None, limit: int = 1_000
) -> list[UsageRow]:
    """Rows of the usage log, newest first, with all that was committed."""
    if database.clickhouse is not None:
        database.usage.fold_all()
    return database.reports.search(UsageSearch(where), before_id, limit).rows


def make_ai_use(row_id: str, **fields: Any) -> AiUse:
    """The AI use of a request with this row; ``fields`` differ from the usual."""
    usual = AiUse(row_id, START_MS, KEY, "openai", "gpt-5-mini", 10, 4, 0, 200, 5.5, 9.0, "complete")
    return replace(usual, **fields)


@contextmanager
def log_of(data_dir: Path, database_url: str | None = None) -> Iterator[Connection]:
    """The usage log of an instance, whichever process serves it, with all that was committed in it."""
    database = Database.open(settings_for(data_dir, database_url))
    try:
        database.usage.fold_all()
        with database.log.connect() as connection:
            yield connection
    finally:
        database.close()


def read_sums(database: Database) -> dict[str, tuple[int, int]]:
    """Accepted and refused requests of each key.

    Fails unless totals = hourly rollups = daily rollups = hours of all keys = rows + rows removed, and the counts by
    address and by user agent agree: they are all of it until retention removes some.
    """
    database.usage.fold_all()
    engine, rows, hours = database.log, usage_rows.c, usage_hours.c
    # One snapshot: a process that was killed may have left a commit that the server still finishes.
    snapshot = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**snapshot) as connection:
        by_row = _split(connection, rows.key_id, rows.code, rows["count"])
        by_hour = _split(connection, hours.key_id, hours.code, hours["count"])
        by_day = _sum_by_day(connection)
        of_all = _sum_of_all_keys(connection)
        kept = {row.key_id: row for row in connection.execute(select(usage_totals))}
        accepted_at = select(rows.key_id, func.min(rows.at_ms), func.max(rows.at_ms)).where(rows.code == ACCEPTED)
        times = {row[0]: tuple(row[1:]) for row in connection.execute(accepted_at.group_by(rows.key_id))}
        seen = [_count_seen(connection, kind) for kind in ("address", "user_agent")]
    by_key = {key_id: (row.request_count, row.refused_count) for key_id, row in kept.items()}
    removed = {key_id: (row.removed_request_count, row.removed_refused_count) for key_id, row in kept.items()}
    assert by_hour == by_key
    assert by_day == by_key
    assert of_all == tuple(map(sum, zip(*by_key.values(), strict=True))) if by_key else of_all == (0, 0)
    assert {key_id: _plus(by_row.get(key_id, (0, 0)), removed[key_id]) for key_id in by_key} == by_key
    assert by_row.keys() <= by_key.keys()
    for key_id, row in kept.items():
        first, last = times.get(key_id, (None, None))
        if any(removed[key_id]):
            assert first is None or (row.first_used_at_ms <= first and row.last_used_at_ms == last)
            assert all(_is_at_most(one.get(key_id, (0, 0)), by_key[key_id]) for one in seen)
        else:
            assert (row.first_used_at_ms, row.last_used_at_ms) == (first, last)
            assert [one[key_id] for one in seen] == [by_key[key_id]] * 2
    return by_key


def _sum_by_day(connection: Any) -> dict[str, tuple[int, int]]:
    days = usage_days.c
    counts = func.sum(days.accepted_count), func.sum(days.refused_count)
    found = connection.execute(select(days.key_id, *counts).group_by(days.key_id))
    return {key_id: (int(accepted), int(refused)) for key_id, accepted, refused in found}


def _sum_of_all_keys(connection: Any) -> tuple[int, int]:
    hours = usage_all_hours.c
    query = select(hours.code, func.sum(hours["count"])).where(hours.with_key).group_by(hours.code)
    counts = {code: int(count) for code, count in connection.execute(query)}
    accepted = counts.pop(ACCEPTED, 0)
    return accepted, sum(counts.values())


def _plus(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]


def _is_at_most(one: tuple[int, int], most: tuple[int, int]) -> bool:
    return one[0] <= most[0] and one[1] <= most[1]


def _count_seen(connection: Any, kind: str) -> dict[str, tuple[int, int]]:
    seen = usage_seen.c
    counts = func.sum(seen.accepted_count), func.sum(seen.refused_count)
    found = connection.execute(select(seen.key_id, *counts).where(seen.kind == kind).group_by(seen.key_id))
    return {key_id: (int(accepted), int(refused)) for key_id, accepted, refused in found}


def _split(connection: Any, key_id: Any, code: Any, count: Any) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for key, what, total in connection.execute(select(key_id, code, func.sum(count)).group_by(key_id, code)):
        accepted, refused = found.get(key, (0, 0))
        number = int(total)
        found[key] = (accepted + number, refused) if what == ACCEPTED else (accepted, refused + number)
    return found
