"""A database as the released version 0.1.0 left it, of any size, for ``upgrade``."""

import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Column, MetaData, String, Table

from ari.base.ids import new_id
from ari.base.settings import load_settings
from ari.keys import token
from ari.storage import dialect
from ari.storage.engine import KEYS_FILE, Database
from ari.storage.migrate import LOG, MAIN, upgrade_chain
from ari.storage.tables import usage_rows
from ari.storage.tables.naming import Sequence as RowNumber
from benchmarks.usage_fill import fill_log

REVISIONS = {MAIN: "0014", LOG: "0005"}
"""The last migrations of version 0.1.0."""
STAGED = 1_000
"""Requests that the old version logged and had not folded when it was stopped."""
_SAMPLE = 1_000
_CHUNK = 100_000
_ADDED = ("secret_number", "consumed")
_COLUMNS = (
    "digest", "id", "hash_version", "name", "folded_name", "hint", "scopes", "created_at_ms", "created_by",
    "expires_at_ms", "expired_seen_at_ms", "disabled", "revoked_at_ms", "revoked_by", "revoke_reason", "deleted_at_ms",
)  # fmt: skip
_STATES = {6: "disabled", 7: "expired", 8: "expired", 9: "revoked"}
"""The state of a key by the last digit of its number; the rest are active."""


@dataclass(frozen=True)
class Released:
    """What was made: ``verdicts`` has the expected code of a verification, by the text of the sampled keys."""

    settings: dict[str, str]
    keys: int
    rows: int
    verdicts: dict[str, str]


def make(folder: Path, url: str | None, keys: int, rows: int) -> Released:
    """A data directory in ``folder``, or a database at ``url``, with so many keys and rows of the usage log."""
    folder.mkdir(mode=0o700, parents=True)
    database = Database.open(load_settings(data_dir=folder, database_url=url))
    for chain, engine in ((MAIN, database.main), (LOG, database.log)):
        with engine.begin() as connection:
            upgrade_chain(connection, chain, REVISIONS[chain])
    ids, verdicts = _fill_keys(database, url, keys)
    fill_log(database, rows, ids)
    _stage(database, ids[0])
    database.close()
    settings = {"ARI_DATA_DIR": str(folder)} | ({} if url is None else {"ARI_DATABASE_URL": url})
    return Released(settings, keys, rows, verdicts)


def _fill_keys(database: Database, url: str | None, count: int) -> tuple[list[str], dict[str, str]]:
    """The ids of the keys that are used, and the sampled verdicts."""
    ids: list[str] = []
    verdicts: dict[str, str] = {}
    now_ms = time.time_ns() // 1_000_000
    step = max(1, count // _SAMPLE)

    def make_chunk(start: int) -> Iterator[tuple[Any, ...]]:
        for number in range(start, min(count, start + _CHUNK)):
            text, row = _make_key(number, now_ms)
            # An odd step, or a sample would have a single state.
            if number % (step | 1) == 0:
                ids.append(row[1])
                verdicts[text] = _STATES.get(number % 10, "ok")
            yield row

    chunks = (sorted(make_chunk(start)) for start in range(0, count, _CHUNK))
    if url is None:
        database.main.dispose()
        _insert_on_sqlite(database.data_dir / KEYS_FILE, chunks)
    else:
        _insert_on_postgresql(database, chunks)
    return ids, verdicts


def _make_key(number: int, now_ms: int) -> tuple[str, tuple[Any, ...]]:
    text = token.mint()
    state = _STATES.get(number % 10)
    created_at_ms = now_ms - 90 * 86_400_000 + number
    past_ms = created_at_ms + 86_400_000
    row = {
        "digest": token.digest(text.encode()),
        "id": new_id("key", created_at_ms),
        "hash_version": 1,
        "name": f"Service {number}",
        "folded_name": f"service {number}",
        "hint": token.hint(text),
        "scopes": json.dumps(["docs:read", "usage:read"]),
        "created_at_ms": created_at_ms,
        "created_by": "cli",
        "expires_at_ms": past_ms if state == "expired" else None,
        "expired_seen_at_ms": past_ms if number % 10 == 8 else None,
        "disabled": state == "disabled",
        "revoked_at_ms": past_ms if state == "revoked" else None,
        "revoked_by": "cli" if state == "revoked" else None,
        "revoke_reason": "Not needed" if state == "revoked" else None,
        "deleted_at_ms": past_ms if number % 100 == 99 else None,
    }
    return text, tuple(row[name] for name in _COLUMNS)


def _insert_on_sqlite(path: Path, chunks: Iterator[list[tuple[Any, ...]]]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    marks = ", ".join("?" * len(_COLUMNS))
    connection.execute("BEGIN")
    for chunk in chunks:
        connection.executemany(f"INSERT INTO api_keys ({', '.join(_COLUMNS)}) VALUES ({marks})", chunk)
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode=WAL").fetchall()
    connection.close()


def _insert_on_postgresql(database: Database, chunks: Iterator[list[tuple[Any, ...]]]) -> None:
    with database.main.begin() as connection:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        raw: Any = connection.connection.driver_connection
        for chunk in chunks:
            with raw.cursor().copy(f"COPY api_keys ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
                for row in chunk:
                    copy.write_row(row)


def _stage(database: Database, key_id: str) -> None:
    """Put requests into the inbox, which is a file of its own on SQLite."""
    columns = [Column(one.name, one.type) for one in usage_rows.columns if one.name not in _ADDED]
    inbox = Table(
        "usage_inbox",
        MetaData(),
        Column("seq", RowNumber, primary_key=True, autoincrement=True),
        Column("what", String(10), nullable=False),
        *columns,
        sqlite_autoincrement=True,
    )
    now_ms = time.time_ns() // 1_000_000
    row = {
        "what": "row", "at_ms": now_ms, "key_id": key_id, "key_hint": "ari_k_Ab12…yz89", "code": "ok", "method": "GET",
        "route": "/api/me", "path": "/api/me", "status": 200, "client_address": "192.0.2.7", "user_agent": "curl/8.0",
        "duration_ms": 0.5, "bytes": 120, "count": 1, "source": "request",
    }  # fmt: skip
    rows = [row | {"id": one, "request_id": one} for one in (new_id("req", now_ms) for _ in range(STAGED))]
    engine = database.log
    if not database.shared:
        engine = dialect.sqlite_engine(database.data_dir / "usage-inbox.db", "FULL")
    with engine.begin() as connection:
        inbox.create(connection)
        connection.execute(inbox.insert(), rows)
    engine.dispose()
