"""The log as a file, line by line: CSV for spreadsheets, a JSON array with one row a line for programs."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Literal

from ari.usage.model import UsageRow
from ari.usage.report import row_facts

Format = Literal["csv", "json"]
FORMATS: tuple[Format, ...] = ("csv", "json")
MEDIA_TYPES: dict[str, str] = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
FILE_NAMES: dict[str, str] = {"csv": "ari-usage.csv", "json": "ari-usage.json"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (security.md 22)."""


def pieces(form: str, batches: Iterable[list[UsageRow]]) -> Iterator[bytes]:
    """The file, a piece for each batch and one for its end: an array that was cut off is no JSON."""
    first = True
    if form == "csv":
        yield _csv([COLUMNS])
    for rows in batches:
        if form == "csv":
            yield _csv([_cells(row) for row in rows])
        elif rows:
            lines = ",\n".join(json.dumps(row_facts(row)) for row in rows)
            yield f"{'[' if first else ','}\n{lines}".encode()
            first = False
    if form == "json":
        yield b"[]\n" if first else b"\n]\n"


def guarded(value: object) -> object:
    """A cell that no spreadsheet runs."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _cells(row: UsageRow) -> list[object]:
    return [guarded(value) for value in row_facts(row).values()]


def _csv(lines: Iterable[Iterable[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(lines)
    return out.getvalue().encode()


_NOBODY = UsageRow("", 0, "", "", "", "", "", "", "", None, None)
COLUMNS: tuple[str, ...] = tuple(row_facts(_NOBODY))
