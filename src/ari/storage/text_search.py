"""Search in texts, ignoring the case of ASCII letters alone: the rule that all databases can keep.

PostgreSQL and ClickHouse disagree about other letters, such as İ, ß and the Kelvin sign, PostgreSQL with itself by its
locale, and SQLite knows none of them.
"""

import re
from typing import Any

from sqlalchemy import ColumnElement, Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

_NEVER_STORED = re.compile("[\0\ud800-\udfff]")
"""PostgreSQL and the drivers refuse them. U+FFFD is stored in their place."""


def contains(place: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Whether ``place`` contains ``text``, whatever characters that has."""
    found: ColumnElement[bool] = _FindIn(place, lower_ascii(text)) > 0
    return found


def lower_ascii(text: str) -> str:
    """The text with A-Z in lower case, and U+FFFD for what no database stores."""
    return _NEVER_STORED.sub("\ufffd", text).encode().lower().decode()


class _FindIn(FunctionElement[int]):
    """The place of a text in another, whose ASCII letters are lowered first; 0 if it isn't there."""

    inherit_cache = True
    type = Integer()


@compiles(_FindIn, "sqlite")
def _compile_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    place, text = (compiler.process(one, **options) for one in element.clauses)
    return f"instr(lower({place}), {text})"


@compiles(_FindIn, "postgresql")
def _compile_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    place, text = (compiler.process(one, **options) for one in element.clauses)
    return f'strpos(lower({place} COLLATE "C"), {text})'
