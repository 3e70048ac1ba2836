"""Rows of a file: only values that their columns hold."""

from typing import Any

import pytest
from sqlalchemy import BigInteger, Boolean, Column, Float, LargeBinary, String

from ari.storage.backup import row_types
from ari.storage.backup.write import LOG_TABLES, MAIN_TABLES, columns_of

NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [
        (Column(BigInteger), (None, 0, -(2**63) + 1, 2**63 - 1), (NAN, 1.0, True, "1", b"", 2**63, [1])),
        (Column(Float), (None, 0, 1.5), (NAN, INFINITE, -INFINITE, False, "1.5")),
        (Column(Boolean, nullable=False), (True, False), (None, 0, 1, "true", NAN)),
        (Column(String), (None, "", "text", "\U0001f511"), (1, b"text", True, {}, "a\ud800")),
        (Column(LargeBinary), (None, b"", b"bytes"), ("bytes", 1)),
    ],
)
def test_only_values_of_the_columns_type_fit(column: Column[Any], good: tuple[Any, ...], bad: tuple[Any, ...]) -> None:
    """NaN, infinite numbers and numbers of more than 64 bits are none."""
    rules = row_types.make_rules({"c": column})
    assert [value for value in good if not row_types.fits({"c": value}, rules)] == []
    assert [value for value in bad if row_types.fits({"c": value}, rules)] == []


def test_a_row_has_exactly_the_columns() -> None:
    """None is missing, none is more."""
    columns = row_types.make_rules({"a": Column(String), "b": Column(String)})
    assert row_types.fits({"a": "", "b": ""}, columns)
    assert not row_types.fits({"a": ""}, columns)
    assert not row_types.fits({"a": "", "b": "", "c": ""}, columns)


def test_every_type_of_the_schema_is_known() -> None:
    """A column of another type would refuse every backup."""
    for table in (*MAIN_TABLES, *LOG_TABLES):
        for column in columns_of(table):
            assert column.type.python_type in row_types.ACCEPTED, column
