"""Whether an upgrade changed anything that it must not change."""

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from ari.base.settings import load_settings
from ari.keys.checks import AccessRequest
from ari.keys.model import Refused
from ari.keys.verify import verify
from ari.storage.engine import KEYS_FILE, Database
from benchmarks.released import STAGED, Released

_SAME = (
    "id", "name", "folded_name", "hint", "scopes", "created_at_ms", "created_by", "expires_at_ms", "expired_seen_at_ms",
    "disabled", "revoked_at_ms", "revoked_by", "revoke_reason", "deleted_at_ms",
)  # fmt: skip
_ADDED = ("kind", "consumer_id", "tags", "metadata", "policy", "enabled_at_ms")
_TEXTS = ("id", "request_id", "key_id", "key_hint", "code", "method", "route", "path", "client_address", "user_agent")
_NUMBERS = ("at_ms", "status", "duration_ms", "bytes", "count")
_BEFORE = "upgrade_before"
"""A copy of the keys: a schema that SQLite attaches, or a table's prefix."""


@dataclass(frozen=True)
class Before:
    """What is compared: a copy of the keys file on SQLite, and sums over the log."""

    copy: Path | None
    sums: Mapping[str, Any]


def remember(made: Released, folder: Path) -> Before:
    """Keep what the upgrade must not change."""
    copy = None
    with open_database(made) as database:
        if database.shared:
            with database.main.begin() as connection:
                _without_limit(connection)
                connection.execute(text(f"CREATE TABLE {_BEFORE}_keys AS SELECT * FROM api_keys"))
        with database.log.begin() as connection:
            sums = _sum_log(connection)
    if not database.shared:
        copy = folder / "before.db"
        shutil.copy2(database.data_dir / KEYS_FILE, copy)
    return Before(copy, sums)


def compare(made: Released, before: Before) -> None:
    """Raise ``AssertionError`` with the first difference."""
    with open_database(made) as database:
        with database.main.connect() as connection, connection.begin():
            _without_limit(connection)
            _compare_keys(connection, before, made.keys)
        with database.log.begin() as connection:
            assert _sum_log(connection) == before.sums
        assert asyncio.run(_verify(database, list(made.verdicts))) == list(made.verdicts.values())
        database.usage.fold_all()
        with database.log.begin() as connection:
            _without_limit(connection)
            found = connection.execute(text("SELECT count(*) FROM usage_rows")).scalar_one()
            counted = "SELECT sum(request_count + refused_count) FROM usage_totals"
            assert found == made.rows + STAGED, f"{found:,} rows"
            assert connection.execute(text(counted)).scalar_one() == found


def _compare_keys(connection: Connection, before: Before, count: int) -> None:
    """Each key has one secret, with the digest of its row before; its fields are the same, and nothing restricts it."""
    old = f"{_BEFORE}_keys"
    equals = "IS NOT DISTINCT FROM"
    if before.copy is not None:
        # ATTACH isn't possible inside a transaction that SQLAlchemy began, but this connection is new.
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("ATTACH DATABASE ? AS upgrade_before", (str(before.copy),))
        connection.exec_driver_sql("BEGIN")
        old, equals = f"{_BEFORE}.api_keys", "IS"
    same = " AND ".join(f"k.{name} {equals} o.{name}" for name in _SAME)
    none = " AND ".join(f"k.{name} IS NULL" for name in _ADDED)
    query = f"""SELECT count(*) FROM {old} o JOIN key_secrets s ON s.digest = o.digest
        AND s.key_id = o.id AND s.number = 1 AND s.scheme = 'ari' AND s.hint = o.hint AND s.retires_at_ms IS NULL
        AND s.created_at_ms = o.created_at_ms AND s.foreign_id IS NULL AND s.foreign_hash IS NULL
        JOIN api_keys k ON k.id = s.key_id AND {same} AND {none} AND k.environment = 'live'"""
    counts = [f"SELECT count(*) FROM {table}" for table in ("api_keys", "key_secrets")]
    found = [connection.execute(text(one)).scalar_one() for one in (query, *counts)]
    assert found == [count, count, count], f"same, keys and secrets: {found}"
    if before.copy is not None:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("DETACH DATABASE upgrade_before")
        connection.exec_driver_sql("BEGIN")


def _sum_log(connection: Connection) -> dict[str, Any]:
    """The number of rows and sums over their columns; a hash of all columns on PostgreSQL."""
    _without_limit(connection)
    parts = {"rows": "count(*)", "first": "min(id)", "last": "max(id)"}
    parts |= {name: f"sum({name})" for name in _NUMBERS if name != "at_ms"}
    # The sum of five million instants in milliseconds does not fit into 64 bits.
    parts |= {"seconds": "sum(at_ms / 1000)", "milliseconds": "sum(at_ms % 1000)"}
    if connection.dialect.name == "sqlite":
        parts |= {name: f"sum(length({name}))" for name in _TEXTS}
    else:
        whole = ", ".join((*_TEXTS, *_NUMBERS))
        parts["hash"] = f"sum(hashtextextended(row({whole})::text, 0)::numeric)"
    query = ", ".join(f"{what} AS {name}" for name, what in ((f"of_{name}", what) for name, what in parts.items()))
    row = connection.execute(text(f"SELECT {query} FROM usage_rows")).one()
    return dict(row._mapping)


def _without_limit(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))


async def _verify(database: Database, texts: list[str]) -> list[str]:
    """The code of each key's verification, as a request would get it."""
    lookup = await database.open_lookup()
    try:
        codes = []
        for one in texts:
            verdict = await verify(lookup, one.encode(), AccessRequest(None, database.clock.now_ms()))
            codes.append(verdict.reason.code if isinstance(verdict, Refused) else "ok")
        return codes
    finally:
        await lookup.close()


@contextmanager
def open_database(made: Released) -> Iterator[Database]:
    """The database, closed at the end."""
    url = made.settings.get("ARI_DATABASE_URL")
    with closing(Database.open(load_settings(data_dir=made.settings["ARI_DATA_DIR"], database_url=url))) as database:
        yield database
