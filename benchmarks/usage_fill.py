"""A usage log of any size with the shape of a real one, made quickly: for ``usage_at_scale`` and ``usage_writes``."""

import io
import random
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, inspect, text

from ari.base.clock import DAY_MS, HOUR_MS
from ari.base.settings import load_settings
from ari.storage.engine import USAGE_FILE, Database
from ari.storage.migrate import migrate
from benchmarks.usage_rows import fill_rows

DAYS = 90
END_MS = 1_800_000_000_000
START_MS = END_MS - DAYS * DAY_MS
KEYS = [f"key_{n:026}" for n in range(1_000)]
FLOODED, RARE = KEYS[0], KEYS[1]
"""One revoked on the first day and tried ever since; one used fifty times on the first day."""
RARE_CODE = "ip_not_allowed"
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [one + other for one in _LETTERS for other in _LETTERS]
_COLUMNS = (
    "id", "at_ms", "request_id", "key_id", "key_hint", "code", "method", "route", "path", "status",
    "client_address", "user_agent", "duration_ms", "bytes", "count",
)  # fmt: skip
_ROUTES = ("/api/me", "/api/keys", "/api/usage", "/api/keys/{key_id}", "/api/verify")
_ACCEPTED = "sum(CASE code WHEN 'ok' THEN count ELSE 0 END)"
_REFUSED = "sum(CASE code WHEN 'ok' THEN 0 ELSE count END)"
# In order of time, as in production: where PostgreSQL stores rows decides what reading them costs.
_FROM_ROWS = (
    f"""INSERT INTO usage_hours SELECT key_id, at_ms - at_ms % {HOUR_MS}, route, code, sum(count) FROM usage_rows
    GROUP BY 1, 2, 3, 4 ORDER BY 2, 1""",
    f"""INSERT INTO usage_totals (key_id, request_count, refused_count, first_used_at_ms, last_used_at_ms)
    SELECT key_id, {_ACCEPTED}, {_REFUSED}, min(CASE code WHEN 'ok' THEN at_ms END),
    max(CASE code WHEN 'ok' THEN at_ms END) FROM usage_rows GROUP BY 1""",
    f"""INSERT INTO usage_seen SELECT key_id, 'address', client_address, {_ACCEPTED}, {_REFUSED}, min(at_ms), max(at_ms)
    FROM usage_rows GROUP BY 1, 3""",
    f"""INSERT INTO usage_seen SELECT key_id, 'user_agent', user_agent, {_ACCEPTED}, {_REFUSED}, min(at_ms), max(at_ms)
    FROM usage_rows GROUP BY 1, 3""",
    """INSERT INTO usage_attempts SELECT at_ms - at_ms % 60000, 'unknown', client_address, count(*) FROM usage_rows
    WHERE code <> 'ok' GROUP BY 1, 2, 3""",
    "INSERT INTO usage_all_hours SELECT hour_ms, true, code, sum(count) FROM usage_hours GROUP BY 1, 3",
    f"""INSERT INTO usage_days SELECT key_id, hour_ms - hour_ms % {DAY_MS}, {_ACCEPTED}, {_REFUSED} FROM usage_hours
    GROUP BY 1, 2 ORDER BY 2, 1""",
)


@dataclass(frozen=True)
class Filled:
    """A log and how to reach it."""

    database: Database
    rows: int
    folder: Path
    url: str | None


def fill(folder: Path, rows: int, url: str | None) -> Filled:
    """A migrated instance in ``folder`` (or at ``url``) with so many usage rows of the last 90 days.

    A folder that was filled before is used again.
    """
    whole = folder / "filled"
    if whole.exists():
        return Filled(Database.open(load_settings(data_dir=folder, database_url=url)), rows, folder, url)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database.open(load_settings(data_dir=folder, database_url=url))
    migrate(database)
    fill_log(database, rows)
    if url is None:
        whole.touch()
    return Filled(database, rows, folder, url)


def fill_log(database: Database, rows: int, keys: Sequence[str] = KEYS) -> None:
    """Put so many rows of these keys, and what is counted from them, into an empty log of any schema since 0.1.0."""
    postgresql = database.shared
    with database.log.connect() as connection:
        is_compact = "usage_log" in inspect(connection).get_table_names()
    if is_compact:
        fill_rows(database, rows, keys, _ROUTES, RARE_CODE, START_MS, DAYS)
        return
    with database.log.begin() as connection:
        indexes = connection.exec_driver_sql(_INDEXES[connection.dialect.name]).all()
        for name, _ in indexes:
            connection.exec_driver_sql(f"DROP INDEX {name}")
    statements = [*(statement for _, statement in indexes), *_FROM_ROWS]
    if postgresql:
        _into_postgresql(database.log, made(rows, keys), statements)
    else:
        database.close()
        _into_sqlite(database.data_dir / USAGE_FILE, made(rows, keys), statements)


_INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'usage_rows' AND type = 'index' AND sql NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes "
    "WHERE schemaname = current_schema() AND tablename = 'usage_rows' AND indexname LIKE 'ix_%%'",
}
_INSERT = f"({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


def _into_sqlite(path: Path, rows: Iterable[tuple[Any, ...]], statements: Sequence[str]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000", "locking_mode=EXCLUSIVE"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    connection.execute("BEGIN")
    connection.executemany(f"INSERT INTO usage_rows {_INSERT}", rows)
    for statement in statements:
        connection.execute(statement)
    connection.execute("COMMIT")
    connection.close()


def _into_postgresql(engine: Engine, rows: Iterable[tuple[Any, ...]], statements: Sequence[str]) -> None:
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        raw: Any = connection.connection.driver_connection
        with raw.cursor().copy(f"COPY usage_rows ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
            part = io.StringIO()
            for row in rows:
                part.write("\t".join(map(str, row)) + "\n")
                if part.tell() > 1_000_000:
                    copy.write(part.getvalue())
                    part = io.StringIO()
            copy.write(part.getvalue())
        for statement in statements:
            connection.exec_driver_sql(statement.replace("%", "%%"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))  # as autovacuum does; SQLite keeps its plans without
    engine.dispose()


def made(rows: int, keys: Sequence[str] = KEYS) -> Iterator[tuple[Any, ...]]:
    """Rows in the order of time: a thousand keys, few of them busy; three in a hundred refused."""
    chance = random.Random(3)
    step = DAYS * DAY_MS / rows
    rare = set(chance.sample(range(max(1, rows // DAYS)), min(50, rows // DAYS)))
    rare_codes = {rows // 3, rows // 2}
    for number in range(rows):
        at_ms = START_MS + int(number * step)
        code = "ok"
        if number in rare:
            key = 1
        elif number % 10 == 0:
            key, code = 0, "ok" if number < rows // DAYS else "revoked"
        else:
            key = 2 + int(998 * chance.random() ** 3)
            if number % 33 == 0:
                code = "expired"
        if number in rare_codes:
            code = RARE_CODE
        row_id = _id(at_ms, number)
        address = f"10.{key >> 8}.{key & 255}.{number % 20}"
        route = _ROUTES[number % 5]
        status = 200 if code == "ok" else 401
        agent = f"client/{key % 7}.{number % 3}"
        yield (
            row_id, at_ms, row_id, keys[key % len(keys)], "ari_k_Ab12…yz89", code, "GET", route, route, status,
            address, agent, 0.5, 120, 1,
        )  # fmt: skip


def _id(at_ms: int, number: int) -> str:
    time = "".join(_PAIRS[(at_ms >> shift) & 1023] for shift in (40, 30, 20, 10, 0))
    return f"req_{time}{number:016X}"
