"""The inbox becomes the staging table, with a column for each value; what waits in it is carried over."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from alembic import op

from ari.base.errors import Unavailable
from ari.storage.dialect import sqlite_engine
from ari.storage.tables import usage_staging

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COLUMNS = (
    "id", "at_ms", "request_id", "key_id", "key_hint", "code", "method", "route", "path", "status", "client_address",
    "user_agent", "duration_ms", "bytes", "count", "source",
)  # fmt: skip
_AI_USE = (
    "id", "at_ms", "key_id", "provider", "model", "input_tokens", "output_tokens", "cached_tokens", "provider_status",
    "first_byte_ms", "whole_ms", "ended",
)  # fmt: skip
_KIND = """CASE what WHEN 'row' THEN CASE count WHEN 1 THEN 'request' ELSE 'flood' END
    WHEN 'done' THEN 'completion' ELSE what END"""


def upgrade() -> None:
    """Carry over the staged entries. On SQLite the old file is changed and renamed before this migration is committed:
    after a crash, the next start finds it renamed."""
    op.rename_table("usage_settled", "usage_folds")
    op.execute("UPDATE usage_folds SET name = CASE name WHEN 'inbox' THEN 'staging' ELSE 'count' END")
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        _carry_over_file(Path(str(connection.engine.url.database)).with_name("usage-inbox.db"))
        return
    op.execute("ALTER TABLE usage_folds RENAME CONSTRAINT pk_usage_settled TO pk_usage_folds")
    _carry_over(connection)


def _carry_over_file(inbox: Path) -> None:
    staging = inbox.with_name("usage-staging.db")
    if staging.exists() or not inbox.exists():
        return
    _leave_wal_mode(inbox)  # first, so that nothing changes if it fails
    engine = sqlite_engine(inbox, "FULL")
    with engine.begin() as connection:
        _carry_over(connection)
    engine.dispose()
    _leave_wal_mode(inbox)
    inbox.rename(staging)
    inbox.with_name("inbox.lock").unlink(missing_ok=True)
    folder = os.open(inbox.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _leave_wal_mode(file: Path) -> None:
    """Put everything into the file itself. Raises ``Unavailable`` if another process uses the file."""
    try:
        with closing(sqlite3.connect(file, timeout=1)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError:
        raise Unavailable(f"Another process uses {file.name}. Stop it, then start ARI again.") from None


def _carry_over(connection: sa.Connection) -> None:
    if not sa.inspect(connection).has_table("usage_inbox"):
        return
    usage_staging.create(connection, checkfirst=True)
    # SQLite knows by its number whether an entry was folded; PostgreSQL's sequence begins again.
    seq = ("seq",) if connection.dialect.name == "sqlite" else ()
    columns = ", ".join((*seq, *_COLUMNS))
    connection.exec_driver_sql(
        f"INSERT INTO usage_staging (kind, {columns}) SELECT {_KIND}, {columns} FROM usage_inbox"  # noqa: S608 - our own names
        " WHERE what <> 'used' ORDER BY seq"
    )
    names = (*seq, *_AI_USE)
    insert = sa.text(
        f"INSERT INTO usage_staging (kind, {', '.join(names)}) VALUES ('ai_use', :{', :'.join(names)})"  # noqa: S608 - as above
    )
    for number, use in connection.exec_driver_sql("SELECT seq, path FROM usage_inbox WHERE what = 'used'").all():
        given = dict(zip(_AI_USE, json.loads(use), strict=True))
        connection.execute(insert, given | {"seq": number} if seq else given)
    connection.exec_driver_sql("DROP TABLE usage_inbox")
