"""Texts and numbers of the usage log's dictionaries, for queries of ``usage_log``.

A query looks the numbers of its filters up first, selects rows by integers alone, and reads the texts of those it
shows.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, ScalarSelect, func, literal_column, select

from ari.storage.tables import usage_log, usage_names
from ari.storage.usage.row_ids import TIME_SHIFT

_FIND = {
    "sqlite": "SELECT number FROM usage_names WHERE text = ?",
    "postgresql": "SELECT number FROM usage_names WHERE text = %s",
}
_READ = """SELECT number, text, NULL FROM usage_names WHERE number {among}
    UNION ALL SELECT number, address, user_agent FROM usage_callers WHERE number {among}"""
_SQLITE = _READ.format(among="IN (SELECT value FROM json_each(?))")
_POSTGRESQL = _READ.format(among="= ANY(%s)")
"""In the driver's SQL: building such a query would take longer than running it."""
_UNKNOWN = -1
"""A number that no row has."""


def find_number(connection: Connection, name: str) -> int:
    """The number of this text; of a text that no row has, one that no row has."""
    found = connection.exec_driver_sql(_FIND[connection.dialect.name], (name,)).scalar()
    return _UNKNOWN if found is None else int(found)


@dataclass(frozen=True, slots=True)
class Texts:
    """Names, and client addresses with user agents, by their numbers."""

    names: dict[int, str] = field(default_factory=dict)
    callers: dict[int, tuple[str | None, str | None]] = field(default_factory=dict)


NO_CALLER: tuple[str | None, str | None] = (None, None)
"""Of a row whose caller retention removed a moment ago."""


def read_texts(connection: Connection, names: Iterable[int], callers: Iterable[int]) -> Texts:
    """The texts with these numbers, in one statement."""
    found, given = Texts(), tuple([*numbers] for numbers in (names, callers))
    is_sqlite = connection.dialect.name == "sqlite"
    parameters = tuple(json.dumps(numbers) for numbers in given) if is_sqlite else given
    rows = connection.exec_driver_sql(_SQLITE if is_sqlite else _POSTGRESQL, parameters).all()
    for number, address, agent in rows:
        if agent is None:
            found.names[number] = address
        else:
            found.callers[number] = address or None, agent or None
    return found


def name_of(number: ColumnElement[Any]) -> ScalarSelect[str]:
    """The text with this number."""
    return select(usage_names.c.text).where(usage_names.c.number == number).scalar_subquery()


def at_ms_of(rows: Any) -> ColumnElement[int]:
    """The time of rows of ``usage_log``, given their columns. A parameter would be a bigint, which can't shift."""
    at_ms: ColumnElement[int] = rows.id_high.bitwise_rshift(literal_column(str(TIME_SHIFT))) + func.coalesce(
        rows.at_offset_ms, 0
    )
    return at_ms


AT_MS: ColumnElement[int] = at_ms_of(usage_log.c)
