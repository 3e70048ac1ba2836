"""Whether the rows of a file hold values of their columns' types, so that a check of a row is true in the database.

SQLite stores what it is given: NaN becomes NULL, and text in a column of numbers stays text. A row could then pass for
a revoked key here and be an active one in the database.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column

_LARGEST = 2**63 - 1
ACCEPTED = {int: (int,), float: (int, float), bool: (bool,), str: (str,), bytes: (bytes,)}


def fits(row: Mapping[str, Any], columns: Mapping[str, Column[Any]]) -> bool:
    """Whether the row has exactly these columns, each with a value of its type."""
    return row.keys() == columns.keys() and all(_is_of(value, columns[name]) for name, value in row.items())


def _is_of(value: object, column: Column[Any]) -> bool:
    if value is None:
        return bool(column.nullable)
    wanted = column.type.python_type
    if isinstance(value, bool) is not (wanted is bool) or not isinstance(value, ACCEPTED[wanted]):
        return False
    return not isinstance(value, int | float) or -_LARGEST - 1 <= value <= _LARGEST  # NaN is neither
