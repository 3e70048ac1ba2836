"""Moves the rows of a log from before migration log 0010 into the compact tables, and names what both migrations share.

Rows leave the old table in the transaction that adds them to the new one, so a move that was killed goes on where it
stopped, and on SQLite the file hardly grows.
"""

# ruff: noqa: S608 - every name in these statements is our own

from sqlalchemy import Connection, text

from ari.storage.usage.compact_sql import COMPACT_COLUMNS, add_texts, compact, for_postgresql
from ari.storage.usage.row_ids import TIME_SHIFT, format_in_sql, parse_in_sql

ROWS_PER_STEP = 10_000
"""Rows moved in one transaction."""
_OLD = "usage_rows_old"
_SOME = f"FROM {_OLD} WHERE id <= :last"
_LAST = f"SELECT max(id) FROM (SELECT id FROM {_OLD} ORDER BY id LIMIT :most) AS oldest"
_HIGH, _LOW = parse_in_sql("id", "instr")
_ADD_TEXTS = add_texts(_SOME, _HIGH)
_INSERT = f"""INSERT INTO usage_log ({", ".join(COMPACT_COLUMNS)})
    {compact(f"SELECT *, {_HIGH} AS high, {_LOW} AS low {_SOME}")} ORDER BY high, low"""
_DELETE = f"DELETE {_SOME}"


_DEPENDENTS_ON_POSTGRESQL = """SELECT DISTINCT r.ev_class::regclass::text FROM pg_depend d
    JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass('usage_rows') ORDER BY 1"""
_DEPENDENTS_ON_SQLITE = """SELECT name FROM sqlite_master
    WHERE type IN ('view', 'trigger') AND instr(lower(sql), 'usage_rows') ORDER BY 1"""


def list_dependents(connection: Connection) -> list[str]:
    """The views and triggers that read the table ``usage_rows`` before it becomes a view; ARI has none."""
    is_sqlite = connection.dialect.name == "sqlite"
    found = connection.execute(text(_DEPENDENTS_ON_SQLITE if is_sqlite else _DEPENDENTS_ON_POSTGRESQL))
    return [str(name) for (name,) in found]


def move_some(connection: Connection) -> int:
    """Move the oldest rows, in the caller's transaction. Returns how many; 0 if none is left."""
    last = connection.scalar(text(_LAST), {"most": ROWS_PER_STEP})
    if last is None:
        return 0
    is_sqlite = connection.dialect.name == "sqlite"
    for statement in (*_ADD_TEXTS, _INSERT, _DELETE):
        found = connection.execute(text(statement if is_sqlite else for_postgresql(statement)), {"last": last})
    return found.rowcount


def count(connection: Connection) -> int:
    """How many rows are left to move."""
    return int(connection.execute(text(f"SELECT count(*) FROM {_OLD}")).scalar_one())


def make_view() -> str:
    """The statement that makes the view ``usage_rows``."""
    id_text = format_in_sql("id_high", "id_low")
    at_ms = f"(id_high >> {TIME_SHIFT}) + coalesce(at_offset_ms, 0)"

    def name(column: str) -> str:
        return f"(SELECT text FROM usage_names WHERE number = usage_log.{column})"

    def caller(column: str) -> str:
        return f"(SELECT nullif({column}, '') FROM usage_callers WHERE number = usage_log.caller)"

    return f"""CREATE VIEW usage_rows AS SELECT {id_text} AS id, {at_ms} AS at_ms,
        coalesce(request_id, {id_text}) AS request_id, {name("key")} AS key_id, {name("key_hint")} AS key_hint,
        {name("code")} AS code, method, {name("route")} AS route, coalesce(path, {name("route")}) AS path, status,
        {caller("address")} AS client_address, {caller("user_agent")} AS user_agent, duration_ms, bytes, count,
        coalesce({name("source")}, 'request') AS source, secret_number, consumed FROM usage_log"""
