"""CSV files for spreadsheets, which read no part of any text in them as a formula.

A spreadsheet chooses its own separator: where the decimal sign is a comma, Excel splits at ``;``, and an import dialog
offers tab and ``|``. So the text after each of these begins a cell too, and quotes around the whole do not help.
Source: https://owasp.org/www-community/attacks/CSV_Injection.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

_FORMULA = "=+-@"
_MINUS = "\u2212"
"""Spreadsheets read the mathematical minus as a minus; its compatibility form is itself."""
_SEPARATORS = re.compile("[,;|\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
_INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff"
_BLANK = re.compile(rf"[\s\x00-\x20\x7f-\xa0\"\ufffd{_INVISIBLE}]")
_RISKY = re.compile(f'[{re.escape(_FORMULA)},;|"\t\r\n]|[^\x20-\x7e]')
_QUOTED = re.compile('[,"\r\n]')
"""Text with any of these is written in quotes."""
_REMEMBERED = 4_096
_BOM = b"\xef\xbb\xbf"
"""Without it, Excel reads UTF-8 as the machine's code page. Python calls it ``utf-8-sig``."""


def write_csv(
    columns: Sequence[str], batches: Iterable[Iterable[Mapping[str, object]]], *, bom: bool = True
) -> Iterator[bytes]:
    """Yield a file with a header row, one piece per batch; a piece may be empty.

    Text in cells is neutralized (security.md 22); numbers stay numbers. ``bom``: whether the file begins with a byte
    order mark.
    """
    mark, head = _BOM if bom else b"", list[Iterable[object]]([columns])
    for rows in batches:
        yield mark + _format_lines([*head, *(_list_cells(row.values()) for row in rows)])
        mark, head = b"", []


def _list_cells(values: Iterable[object]) -> list[object]:
    return [neutralize(value) if isinstance(value, str) else value for value in values]


def _format_lines(lines: Iterable[Iterable[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(lines)
    return out.getvalue().encode()


@lru_cache(maxsize=_REMEMBERED)
def neutralize(text: str) -> str:
    """``text`` with a ``'`` in front of every part that a spreadsheet could take for a formula.

    A part begins at the start and after each separator. It counts as a formula if its first visible character is
    ``=``, ``+``, ``-`` or ``@``, or another form of one (full-width, small, superscript), and also if it begins with a
    tab or a carriage return, or is empty at the end of a text that needs quotes.
    """
    if not _RISKY.search(text):
        return text
    starts = [0, *(found.end() for found in _SEPARATORS.finditer(text))]
    ends = [*starts[1:], len(text)]
    parts = [_neutralize_part(text[start:end]) for start, end in zip(starts, ends, strict=True)]
    if len(parts) > 1 and _QUOTED.search(text) and all(map(_is_blank, parts[-1])):
        parts[-1] = f"'{parts[-1]}"  # else the closing quote would begin the next cell, and take in what follows
    return "".join(parts)


def _neutralize_part(part: str) -> str:
    if part.lstrip('"').startswith(("\t", "\r")):
        return f"'{part}"
    first = next((letter for letter in part if not _is_blank(letter)), "")
    return f"'{part}" if _begins_formula(first) else part


def _is_blank(letter: str) -> bool:
    return bool(_BLANK.match(letter)) or unicodedata.category(letter) in ("Cf", "Cc", "Cs", "Co", "Cn", "Zs")


def _begins_formula(letter: str) -> bool:
    plain = unicodedata.normalize("NFKC", letter)[:1]
    return plain == _MINUS or (plain != "" and plain in _FORMULA)
