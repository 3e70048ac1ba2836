"""Copies all rows from ClickHouse back to PostgreSQL, so that ``ARI_USAGE_LOG_URL`` can be unset.

A row that PostgreSQL already has is left as it is, so this can be repeated. ClickHouse keeps its rows. While it runs,
nothing may fold.
"""

# ruff: noqa: S608 - every name in these statements is our own

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text

from ari.storage.clickhouse.clickhouse_client import LONG_SECONDS, ClickHouse
from ari.storage.clickhouse.table import SELECTED, TABLE
from ari.storage.clickhouse.table_owner import TableOwner
from ari.storage.tables import usage_staging
from ari.storage.usage import rollups, staged_entries
from ari.storage.usage.compact_sql import compact, for_postgresql
from ari.storage.usage.logged_row import LoggedRow
from ari.storage.usage.row_ids import BELOW_ALL, TIME_SHIFT, RowId, format_id
from ari.storage.usage.rows_elsewhere import remove_mark

ROWS_PER_STEP = 5_000
_KIND = "returned"
"""Of entries that are staged and unstaged in one transaction: no fold ever sees them."""
_NEXT = f"""SELECT {SELECTED} FROM {TABLE} WHERE id_high >= %(high)s AND (id_high, id_low) > (%(high)s, %(low)s)
    ORDER BY id_high, id_low, version DESC LIMIT 1 BY id_high, id_low LIMIT %(most)s"""
_staging = usage_staging.c


def _of_returned(statement: str) -> str:
    """The same statement for entries of this kind."""
    kinds = f"kind IN ('{rollups.REQUEST}', '{rollups.FLOOD}')", f"WHERE kind = '{rollups.REQUEST}'"
    for kind in kinds:
        statement = statement.replace(kind, kind.partition("kind")[0] + f"kind = '{_KIND}'")
    return for_postgresql(statement)


_ENTRIES = compact(rollups.LOGGED, "seq, kind, at_ms, ")
_INSERT = f"""WITH entries AS MATERIALIZED ({_ENTRIES}) {rollups.INSERT_REQUESTS}
    ON CONFLICT (id_high, id_low) DO UPDATE SET count = excluded.count WHERE usage_log.count < excluded.count"""
_STATEMENTS = [text(_of_returned(statement)) for statement in (*staged_entries.ADD_TEXTS, _INSERT)]


class RowReturner:
    """``writing`` begins a transaction of PostgreSQL that excludes folds."""

    def __init__(
        self, database: ClickHouse, writing: Callable[[], AbstractContextManager[Connection]], owner: TableOwner
    ) -> None:
        self._owner = owner
        self._database = database
        self._writing = writing

    def steps(self) -> Iterator[int]:
        """Copy all rows, the oldest first, then let PostgreSQL have new ones too. Yields how many each step copied.

        Raises ``Unavailable``; then ClickHouse still has all rows.
        """
        self._owner.require()
        last = BELOW_ALL
        while True:
            given = {"high": last.high, "low": last.low, "most": ROWS_PER_STEP}
            rows = self._database.read_rows(_NEXT, given, seconds=LONG_SECONDS)
            with self._writing() as connection:
                if rows:
                    _insert(connection, rows)
                if len(rows) < ROWS_PER_STEP:
                    remove_mark(connection)
            if len(rows) < ROWS_PER_STEP:
                self._owner.give_back()
                yield len(rows)
                return
            yield len(rows)
            last = RowId(rows[-1].id_high, rows[-1].id_low)


def _insert(connection: Connection, rows: list[LoggedRow]) -> None:
    connection.execute(insert(usage_staging), [_stage(row) for row in rows])
    mine = _staging.kind == _KIND
    low, high = connection.execute(select(func.min(_staging.seq), func.max(_staging.seq)).where(mine)).one()
    span = {"low": low - 1, "high": high, "first": rows[0].id_high, "last": rows[-1].id_high}
    for statement in _STATEMENTS:
        connection.execute(statement, span)
    connection.execute(delete(usage_staging).where(mine))


def _stage(row: LoggedRow) -> dict[str, Any]:
    names = ("id_high", "id_low", "key_id", "key_hint", "code", "method", "route", "duration_ms", "bytes", "count",
             "source", "secret_number", "consumed")  # fmt: skip
    row_id = format_id(row.id_high, row.id_low)
    return {
        "kind": _KIND,
        "id": row_id,
        "at_ms": (row.id_high >> TIME_SHIFT) + row.at_offset_ms,
        "request_id": row.request_id or row_id,
        "path": row.path or row.route,
        "client_address": row.client_address or None,
        "user_agent": row.user_agent or None,
        "status": row.status or None,
        **{name: getattr(row, name) for name in names},
    }
