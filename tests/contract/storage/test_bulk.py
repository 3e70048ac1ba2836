"""Many rows on PostgreSQL, in one parameter or by ``COPY``: all of them, in their order, or none."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Boolean, Column, Float, Integer, MetaData, String, Table

from ari.storage.bulk import MIN_COPIED_ROWS, Insert

COLUMNS = ("order", "n", "share", "is_known")
TABLE = Table(
    "t", MetaData(), Column("n", Integer), Column("order", String), Column("share", Float), Column("is_known", Boolean)
)
SIZES = [0, 1, MIN_COPIED_ROWS - 1, MIN_COPIED_ROWS, MIN_COPIED_ROWS + 1, 1_000]


@pytest.fixture
def raw(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A driver's own connection in autocommit mode."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            'CREATE TABLE t (seq serial, n integer, "order" text, share double precision, is_known boolean)'
        )
        yield connection


def _rows(count: int) -> list[tuple[Any, ...]]:
    texts = ["", "a\tb\\N\n", "Ünï — 日本 🐦", "\\", "NULL", None]
    return [(texts[n % len(texts)], n, [0.1, None, 1e300][n % 3], [True, False, None][n % 3]) for n in range(count)]


def _read(raw: psycopg.Connection[Any]) -> list[Any]:
    return raw.execute('SELECT "order", n, share, is_known FROM t ORDER BY seq').fetchall()


@pytest.mark.parametrize("count", SIZES)
def test_rows_are_committed_as_they_are(raw: psycopg.Connection[Any], count: int) -> None:
    """Promise 2: also texts that look like the format in which they are sent, and missing values."""
    Insert(TABLE, COLUMNS).run(raw, _rows(count))
    assert _read(raw) == _rows(count)
    assert raw.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize(
    ("bad", "fault"),
    [(("a\x00", 1), psycopg.DataError), (("a\ud800", 1), UnicodeError), (("a", 2**70), psycopg.DataError)],
)
def test_one_bad_row_refuses_all(
    raw: psycopg.Connection[Any], count: int, bad: tuple[Any, ...], fault: type[Exception]
) -> None:
    """With the same fault, however many rows there are; a new transaction can begin."""
    insert = Insert(TABLE, COLUMNS)
    with pytest.raises(fault):
        insert.run(raw, [*_rows(count), (*bad, None, None)])
    assert _read(raw) == []
    insert.run(raw, _rows(2))
    assert _read(raw) == _rows(2)
