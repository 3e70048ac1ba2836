"""No part of a text becomes a formula, however a spreadsheet splits it; ordinary text passes unchanged."""

import csv
import io
import random
import unicodedata

import pytest

from ari.base.spreadsheet import neutralize, write_csv

FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b\u207a\u2212"
ORDINARY = [
    "",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    "curl/8.5.0",
    "/api/keys/key_01KB5Q2W8Z6N4T0V9YRJXH3M7C?a=1&b=-2",
    "2026-11-28T20:00:00.000Z",
    "日本語; ключ, clé | 🔑",
    "'=1",
    "2001:db8::1",
]
EVIL = ["=1+1", "+1", "-1", "@x", "\t=1", " =1", '"=1', 'x;"=1', "x;=cmd|' /C calc'!A0", "x,=1", "a|@b", "x\r\n=1"]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_unchanged(text: str) -> None:
    """What browsers, programs and people send survives, in every script."""
    assert neutralize(text) == text


@pytest.mark.parametrize("sign", FORMULA)
def test_every_sign_after_every_separator_and_blank(sign: str) -> None:
    """The part keeps its text behind a quote."""
    for separator in ("", "x;", "x\t", "x,", "x|", "x\n", "x\r", "x\u2028", "x\x85"):
        for blank in ("", " ", "\xa0", "\u200b", "\ufeff", "\u2060", "\u3000", "\xad", "\u3164", '"', "\0"):
            assert neutralize(f"{separator}{blank}{sign}1") == f"{separator}'{blank}{sign}1"


@pytest.mark.parametrize("text", EVIL)
def test_it_is_done_once(text: str) -> None:
    """A neutralized text is ordinary."""
    once = neutralize(text)
    assert once != text
    assert neutralize(once) == once


def test_generated_cells_hold_no_formula_at_any_delimiter() -> None:
    """1,000 files of hostile cells, read by commas, semicolons and tabs, as Excel does by country."""
    seeded = random.Random(12)
    letters = [*FORMULA, *" ;,\t|\"'\n\r", "\u200b", "\ufeff", "\xa0", "\x0b", "\u2028", "a", "1", "é", "日"]
    for _ in range(1_000):
        rows = [[_text(seeded, letters) for _ in range(4)] for _ in range(3)]
        out = io.StringIO()
        csv.writer(out, lineterminator="\r\n").writerows([["id", *map(neutralize, row)] for row in rows])
        for delimiter in ",;\t":
            for lines in (io.StringIO(out.getvalue(), newline=""), out.getvalue().splitlines(keepends=True)):
                for row in csv.reader(lines, delimiter=delimiter):
                    assert not [cell for cell in row if _is_formula(cell)], (rows, delimiter)


def _text(seeded: random.Random, letters: list[str]) -> str:
    return "".join(seeded.choice(letters) for _ in range(seeded.randrange(7)))


def _is_formula(cell: str) -> bool:
    if cell[:1] in ("\t", "\r"):
        return True
    shown = cell.lstrip('" \t\r\n\v\xa0\u200b\ufeff\u2028')
    return unicodedata.normalize("NFKC", shown[:1])[:1] in ("=", "+", "-", "@", "\u2212")


def test_a_file_is_written_batch_by_batch() -> None:
    """The header once, before the first rows; numbers stay numbers."""
    rows: list[dict[str, object]] = [{"name": "=1", "count": -1}, {"name": None, "count": 2}]
    batches = [rows[:1], [], rows[1:]]
    assert list(write_csv(("name", "count"), batches, bom=False)) == [b"name,count\r\n'=1,-1\r\n", b"", b",2\r\n"]
    assert next(write_csv(("name",), [[]])) == b"\xef\xbb\xbfname\r\n"
