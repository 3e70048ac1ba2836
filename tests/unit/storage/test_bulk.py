"""Many rows in few statements: all of them, in their order, or none."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine

from ari.storage.bulk import Insert, insert_rows

TABLE = Table("t", MetaData(), Column("id", Integer, primary_key=True), Column("order", String))
COLUMNS = ("order", "id")
COUNTS = [0, 1, 2, 63, 64, 65, 127, 128, 129, 1_000]


def _rows(count: int) -> list[tuple[Any, ...]]:
    return [(f"row {number} ü '", number) for number in range(count)]


@pytest.fixture
def raw() -> Iterator[sqlite3.Connection]:
    """A driver's own connection in autocommit mode."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute('CREATE TABLE t (id INTEGER PRIMARY KEY, "order" TEXT)')
        yield connection


@pytest.mark.parametrize("count", COUNTS)
def test_no_row_is_lost_between_statements(count: int) -> None:
    """Whatever their number; the columns may be given in any order."""
    with create_engine("sqlite://").begin() as connection:
        TABLE.create(connection)
        insert_rows(connection, TABLE, COLUMNS, _rows(count))
        found = connection.execute(TABLE.select().order_by(TABLE.c.id)).all()
    assert [tuple(row)[::-1] for row in found] == _rows(count)


def test_a_conflict_is_solved_as_asked() -> None:
    """In the order given, so the last row of a key wins."""
    rows = [("a", 1), ("b", 2), ("c", 1)]
    on_conflict = 'ON CONFLICT (id) DO UPDATE SET "order" = excluded."order"'
    with create_engine("sqlite://").begin() as connection:
        TABLE.create(connection)
        insert_rows(connection, TABLE, COLUMNS, rows, on_conflict)
        insert_rows(connection, TABLE, COLUMNS, [("d", 2)], on_conflict)
        assert [tuple(row) for row in connection.execute(TABLE.select())] == [(1, "c"), (2, "d")]


@pytest.mark.parametrize("count", COUNTS)
def test_rows_are_committed(raw: sqlite3.Connection, count: int) -> None:
    """No transaction stays open behind them."""
    Insert(TABLE, COLUMNS).run(raw, _rows(count))
    assert raw.execute('SELECT "order", id FROM t ORDER BY id').fetchall() == _rows(count)
    assert not raw.in_transaction


@pytest.mark.parametrize("count", [1, 64, 65, 200])
def test_one_bad_row_refuses_all(raw: sqlite3.Connection, count: int) -> None:
    """Also where it comes in a later statement; the connection can be used again."""
    insert = Insert(TABLE, COLUMNS)
    insert.run(raw, [("there", count)])
    with pytest.raises(sqlite3.IntegrityError):
        insert.run(raw, [*_rows(count), ("again", count)])
    assert raw.execute("SELECT count(*) FROM t").fetchone() == (1,)
    insert.run(raw, [("more", count + 1)])
    assert raw.execute("SELECT count(*) FROM t").fetchone() == (2,)
