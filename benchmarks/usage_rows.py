"""Fills a compact usage log by calculation in SQL: ten million rows in a minute or two, in the order of time.

The shape is that of ``usage_fill``: a thousand keys, of which few are busy, one flooded with refusals and one rare;
three in a hundred refused; twenty addresses and three user agents for each key.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Engine, text

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.storage.engine import USAGE_FILE, Database
from ari.storage.usage.partitions import BEFORE, create_day
from ari.storage.usage.row_ids import TIME_SHIFT

Run = Callable[[str, Mapping[str, int]], object]
CODES = ("ok", "revoked", "expired")
HINT = "ari_k_Ab12…yz89"
_CALLERS = 60
"""Of a key: each of 20 addresses with each of 3 user agents."""
_RARE_ROWS = 50
_SERIES = {
    "sqlite": """(WITH RECURSIVE series(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM series WHERE n + 1 < :end)
        SELECT n FROM series) AS series""",
    "postgresql": "generate_series(CAST(:first AS bigint), CAST(:end AS bigint) - 1) AS series(n)",
}
_MIXED = "(((n * 2654435761) & 4294967295) * 1000 >> 32)"
"""From 0 to 999, as if by chance."""
_KEY = f"""CASE WHEN n < :day_rows AND n % :rare_step = 0 THEN 2 WHEN n % 10 = 0 THEN 1
    ELSE 3 + 998 * {_MIXED} * {_MIXED} * {_MIXED} / 1000000000 END"""
_CODE = """CASE WHEN n = :rows / 3 OR n = :rows / 2 THEN :rare_code WHEN n < :day_rows AND n % :rare_step = 0 THEN :ok
    WHEN n % 10 = 0 THEN CASE WHEN n < :day_rows THEN :ok ELSE :ok + 1 END
    WHEN n % 33 = 0 THEN :ok + 2 ELSE :ok END"""
_INSERT = f"""INSERT INTO usage_log (
        id_high, id_low, bytes, duration_ms, caller, "key", key_hint, route, count, code, status, method)
    SELECT (:start_ms + n * :span_ms / :rows) << {TIME_SHIFT}, n, 120, 0.5, (key_number - 1) * {_CALLERS} + 1
        + n % {_CALLERS}, key_number, :hint, :route + n % 5, 1, code_number,
        CASE code_number WHEN :ok THEN 200 ELSE 401 END, 'GET'
    FROM (SELECT n, {_KEY} AS key_number, {_CODE} AS code_number FROM {{series}}) AS made"""
_AT_MS = f"(id_high >> {TIME_SHIFT})"
_OF_DAY = "FROM usage_log WHERE id_high >= :low AND id_high < :high"
_TIMES = "first bigint, last bigint"
_MAKE = (
    f"CREATE TABLE filled_hours (key_number bigint, hour_ms bigint, route bigint, code bigint, n bigint, {_TIMES})",
    f"CREATE TABLE filled_clients (key_number bigint, caller bigint, accepted bigint, refused bigint, {_TIMES})",
)
_COUNT_DAY = (
    f"""INSERT INTO filled_hours SELECT "key", {_AT_MS} - {_AT_MS} % {HOUR_MS}, route, code, count(*), min({_AT_MS}),
        max({_AT_MS}) {_OF_DAY} GROUP BY 1, 2, 3, 4""",
    f"""INSERT INTO filled_clients SELECT "key", caller, sum(CASE code WHEN :ok THEN 1 ELSE 0 END),
        sum(CASE code WHEN :ok THEN 0 ELSE 1 END), min({_AT_MS}), max({_AT_MS}) {_OF_DAY} GROUP BY 1, 2""",
    f"""INSERT INTO usage_attempts SELECT minute_ms, 'unknown', address, sum(n) FROM (
        SELECT {_AT_MS} - {_AT_MS} % {MINUTE_MS} AS minute_ms, caller, count(*) AS n {_OF_DAY} AND code <> :ok
        GROUP BY 1, 2) AS counted JOIN usage_callers ON number = caller GROUP BY 1, 3""",
)


def _name(number: str) -> str:
    return f"(SELECT text FROM usage_names WHERE number = {number})"


_ACCEPTED = "sum(CASE code WHEN :ok THEN n ELSE 0 END)"
_REFUSED = "sum(CASE code WHEN :ok THEN 0 ELSE n END)"
_FROM_COUNTS = (
    f"""INSERT INTO usage_hours SELECT {_name("key_number")}, hour_ms, {_name("route")}, {_name("code")}, n
        FROM filled_hours ORDER BY hour_ms, key_number""",
    f"""INSERT INTO usage_totals (key_id, request_count, refused_count, first_used_at_ms, last_used_at_ms)
        SELECT {_name("key_number")}, accepted, refused, first, last FROM (
        SELECT key_number, {_ACCEPTED} AS accepted, {_REFUSED} AS refused,
        min(CASE code WHEN :ok THEN first END) AS first, max(CASE code WHEN :ok THEN last END) AS last
        FROM filled_hours GROUP BY 1) AS counted""",
    f"""INSERT INTO usage_days SELECT {_name("key_number")}, day_ms, accepted, refused FROM (
        SELECT key_number, hour_ms - hour_ms % {DAY_MS} AS day_ms, {_ACCEPTED} AS accepted, {_REFUSED} AS refused
        FROM filled_hours GROUP BY 1, 2) AS counted ORDER BY day_ms""",
    f"""INSERT INTO usage_all_hours SELECT hour_ms, 1 = 1, {_name("code")}, n FROM (
        SELECT hour_ms, code, sum(n) AS n FROM filled_hours GROUP BY 1, 2) AS counted""",
    f"""INSERT INTO usage_all_hours SELECT minute_ms - minute_ms % {HOUR_MS}, 1 = 0, reason, sum(count)
        FROM usage_attempts GROUP BY 1, 3""",
    f"""INSERT INTO usage_attempt_hours SELECT minute_ms - minute_ms % {HOUR_MS}, reason, address, sum(count),
        max(minute_ms) FROM usage_attempts WHERE address LIKE '10.0.0.%' GROUP BY 1, 2, 3""",
    *(
        f"""INSERT INTO usage_seen SELECT {_name("key_number")}, '{kind}', value, accepted, refused, first, last FROM (
            SELECT key_number, {kind} AS value, sum(accepted) AS accepted, sum(refused) AS refused, min(first) AS first,
            max(last) AS last FROM filled_clients JOIN usage_callers ON number = caller GROUP BY 1, 2) AS counted"""
        for kind in ("address", "user_agent")
    ),
    "DROP TABLE filled_hours",
    "DROP TABLE filled_clients",
)


def fill_rows(
    database: Database, rows: int, keys: Sequence[str], routes: Sequence[str], rare_code: str, start_ms: int, days: int
) -> None:
    """Put so many rows of ``days`` days into an empty log, and what is counted from them."""
    names = [*keys, HINT, *routes, *CODES, rare_code]
    given = {
        "rows": rows, "start_ms": start_ms, "span_ms": days * DAY_MS, "day_rows": rows // days,
        "rare_step": max(1, rows // days // _RARE_ROWS), "hint": len(keys) + 1, "route": len(keys) + 2,
        "ok": names.index("ok") + 1, "rare_code": len(names),
    }  # fmt: skip
    steps = [
        given | {"first": -(-day * rows // days), "end": -(-(day + 1) * rows // days)}
        | {"low": start_ms + day * DAY_MS << TIME_SHIFT, "high": start_ms + (day + 1) * DAY_MS << TIME_SHIFT}
        for day in range(days)
    ]  # fmt: skip
    if database.shared:
        _fill_postgresql(database.log, names, len(keys), steps)
    else:
        database.close()
        _fill_sqlite(database.data_dir / USAGE_FILE, names, len(keys), steps)


def _fill_texts(run: Run, names: Sequence[str], keys: int, last_day: int) -> None:
    for number, name in enumerate(names, 1):
        run(f"INSERT INTO usage_names (number, text) VALUES ({number}, '{name}')", {})
    for key in range(keys):
        callers = ", ".join(
            f"({key * _CALLERS + n + 1}, '10.{key >> 8}.{key & 255}.{n % 20}', 'client/{key % 7}.{n % 3}', {last_day})"
            for n in range(_CALLERS)
        )
        run(f"INSERT INTO usage_callers (number, address, user_agent, last_day) VALUES {callers}", {})


def _fill_sqlite(path: Path, names: Sequence[str], keys: int, steps: Sequence[Mapping[str, int]]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000", "locking_mode=EXCLUSIVE"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'usage_log' AND type = 'index' AND sql NOT NULL"
    ).fetchall()
    connection.execute("BEGIN")
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    _fill_texts(connection.execute, names, keys, steps[-1]["high"] // DAY_MS >> TIME_SHIFT)
    _fill_days(connection.execute, steps, "sqlite")
    for _, statement in indexes:
        connection.execute(statement)
    connection.execute("COMMIT")
    connection.close()


def _fill_postgresql(engine: Engine, names: Sequence[str], keys: int, steps: Sequence[Mapping[str, int]]) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("SET synchronous_commit = off"))
        connection.execute(text(f"DROP TABLE IF EXISTS {BEFORE}"))
        for step in steps:
            create_day(connection, (step["low"] >> TIME_SHIFT) // DAY_MS)
        create_day(connection, (steps[-1]["high"] >> TIME_SHIFT) // DAY_MS)

        def run(statement: str, given: Mapping[str, int]) -> object:
            return connection.execute(text(statement), given)

        _fill_texts(run, names, keys, steps[-1]["high"] // DAY_MS >> TIME_SHIFT)
        connection.execute(text("ANALYZE usage_callers"))
        _fill_days(run, steps, "postgresql")
        connection.execute(text("VACUUM ANALYZE"))  # as autovacuum does; SQLite keeps its plans without
    engine.dispose()


def _fill_days(run: Run, steps: Sequence[Mapping[str, int]], dialect: str) -> None:
    for statement in _MAKE:
        run(statement, {})
    for step in steps:
        for statement in (_INSERT.replace("{series}", _SERIES[dialect]), *_COUNT_DAY):
            run(statement, step)
    for statement in _FROM_COUNTS:
        run(statement, steps[-1])
