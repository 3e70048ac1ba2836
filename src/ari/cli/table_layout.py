"""Fit a table into a terminal: one line for each row, whatever the terminal is called.

Numbers, prefixes of keys, and the IDs of the last column that has some, are never cut, so that they can be compared and
copied. In a narrow terminal, the layout gives up in this order: two words of a number's header on one line, the time
zone, the least important columns, seconds, the end of text, more columns. The first column and these IDs stay.
"""
# Imports inside functions here: start-up speed (rich is loaded only at a terminal).

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

_NUMBER = re.compile(r"(?:[^\w\s]|[A-Z]{3} )?[0-9][0-9,]*(?:\.[0-9]+)?\+?(?: [A-Z]{3})?|unknown|-")
"""A number or a cost, as reports have them."""
_ID = re.compile(r"[a-z]+_[0-9A-Z]{26}|ari-\S+\.backup")
"""The ID of an object, or the name of a backup: what people copy into the next command."""
_PREFIX = re.compile(r"\S{,24}…\S{4}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}( \S+)?|-")
_GAP = 2
_TIME_WITHOUT_ZONE, _TIME_WITHOUT_SECONDS = 19, 16
_TEXT, _SHORT_TEXT = 14, 10
"""The least width of text, before and after more columns would have to go."""


class _Column(NamedTuple):
    header: str
    cells: Sequence[str]
    is_number: bool
    is_time: bool
    is_prefix: bool
    is_id: bool = False

    @property
    def width(self) -> int:
        """The width that shows everything."""
        return max(map(measure, (*self.header.split("\n"), *self.cells)))

    def find_least(self, text: int) -> int:
        """The least width: that of what is never cut, else ``text`` or that of the header."""
        if self.is_number or self.is_time or self.is_prefix or self.is_id:
            return self.width
        return min(self.width, max(text, measure(self.header)))


class TableLayout(NamedTuple):
    """The lines of a table, and whether columns are missing from them."""

    lines: list[str]
    hides_columns: bool


def lay_out(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int, droppable: int = 0) -> TableLayout:
    """A table, at most ``width`` wide unless its IDs are wider. Numbers are at the right.

    The ``droppable`` last columns are the least important, the last one first.
    """
    columns = [_make_column(header, cells) for header, cells in zip(headers, zip(*rows, strict=True), strict=True)]
    named = [number for number, column in enumerate(columns) if any(map(_ID.fullmatch, column.cells))]
    columns = [column._replace(is_id=number in named[-1:]) for number, column in enumerate(columns)]
    columns, widths = _fit(columns, width, len(columns) - droppable)
    heads = zip_longest(*(column.header.split("\n") for column in columns), fillvalue="")
    lines = [*heads, *zip(*(column.cells for column in columns), strict=True)]
    return TableLayout([_draw(cells, columns, widths) for cells in lines], len(columns) < len(headers))


def measure(text: str) -> int:
    """How many columns of the terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, width: int) -> str:
    """The text in at most ``width`` columns: without its end, or where it is one word, such as a path, its middle."""
    if measure(text) <= width:
        return text
    ending = 0 if " " in text.strip() else (width - 1) // 3
    start, end = _take(text, width - 1 - ending), _take(text[::-1], ending)[::-1]
    return f"{start.rstrip()}…{end}"


def _take(text: str, width: int) -> str:
    taken = 0
    for number, letter in enumerate(text):
        taken += measure(letter)
        if taken > width:
            return text[:number]
    return text


def _make_column(header: str, cells: Sequence[str]) -> _Column:
    return _Column(header, cells, *(_is_all(pattern, cells) for pattern in (_NUMBER, _TIME, _PREFIX)))


def _is_all(pattern: re.Pattern[str], cells: Sequence[str]) -> bool:
    """Whether all cells are like this, but those that say that there is nothing."""
    said = [cell for cell in cells if cell not in ("", "-")]
    return bool(said) and all(map(pattern.fullmatch, said))


def _fit(columns: list[_Column], width: int, kept: int) -> tuple[list[_Column], list[int]]:
    """The columns that fit, and their widths. Columns from index ``kept`` on may be left out."""

    def is_too_wide(text: int = _TEXT) -> bool:
        return sum(column.find_least(text) + _GAP for column in columns) - _GAP > width

    def drop(first: int) -> None:
        others = [one for one in columns[first:] if not one.is_id]
        while others and is_too_wide():
            columns.remove(others.pop())

    if sum(column.width + _GAP for column in columns) - _GAP > width:
        columns = [one._replace(header=one.header.replace(" ", "\n")) if one.is_number else one for one in columns]
    if is_too_wide():
        columns = [_shorten_times(one, _TIME_WITHOUT_ZONE) for one in columns]
    drop(kept)
    if is_too_wide():
        columns = [_shorten_times(one, _TIME_WITHOUT_SECONDS) for one in columns]
    if is_too_wide(_SHORT_TEXT):
        drop(1)
    text = _SHORT_TEXT if is_too_wide() else _TEXT
    return columns, _share([one.find_least(text) for one in columns], [one.width for one in columns], width)


def _shorten_times(column: _Column, length: int) -> _Column:
    return column._replace(cells=[cell[:length] for cell in column.cells]) if column.is_time else column


def _share(least: list[int], whole: list[int], width: int) -> list[int]:
    """Widths from ``least`` up to ``whole``: what is left goes to those that lack least, then to the others."""
    widths, left = list(least), width - sum(least) - _GAP * (len(least) - 1)
    lacking = sorted((whole[number] - least[number], number) for number in range(len(least)))
    for place, (lack, number) in enumerate(lacking):
        more = min(lack, max(0, left) // (len(lacking) - place))
        widths[number] += more
        left -= more
    return widths


def _draw(cells: Sequence[str], columns: Sequence[_Column], widths: Sequence[int]) -> str:
    drawn = []
    for cell, column, width in zip(cells, columns, widths, strict=True):
        shown = cut(cell, width)
        space = " " * (width - measure(shown))
        drawn.append(space + shown if column.is_number else shown + space)
    return (" " * _GAP).join(drawn).rstrip()
