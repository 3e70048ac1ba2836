"""The log as a file: what was written is read back, piece by piece; formulas are not run."""

import codecs
import csv
import io
import json
from collections.abc import Collection

import pytest

from ari.keys.queries import KeyNames
from ari.usage.ai import AiUse
from ari.usage.model import UsageRow
from ari.usage.reports.export import COLUMNS, Format, pieces
from ari.usage.reports.facts import row_facts
from tests.support.usage import make_row

BATCHES = [
    [make_row(1), make_row(2, user_agent='a "b", c\nd')],
    [],
    [make_row(3, status=None, bytes=None, user_agent="日本")],
]


def _file(form: Format, batches: list[list[UsageRow]]) -> str:
    return b"".join(pieces(form, iter(batches), _name)).decode("utf-8-sig")


def _name(key_ids: Collection[str]) -> dict[str, KeyNames]:
    return {key_id: KeyNames("Laptop", "con_1", "Acme") for key_id in key_ids if key_id == "key_named"}


def test_json_is_the_api_rows() -> None:
    """One array, one row a line."""
    text = _file("json", BATCHES)
    rows = [row for batch in BATCHES for row in batch]
    assert json.loads(text) == [row_facts(row) for row in rows]
    assert len(text.splitlines()) == len(rows) + 2
    assert json.loads(_file("json", [[]])) == []
    assert json.loads(_file("json", [[], [], BATCHES[0]])) == [row_facts(row) for row in BATCHES[0]]


def test_a_cut_array_is_no_json() -> None:
    """Anyone who reads a file that was broken off notices."""
    parts = list(pieces("json", iter(BATCHES), _name))
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(b"".join(parts[:-1]))


def test_csv_comes_back_as_it_was() -> None:
    """A line of headers, also alone; commas, quotes and line ends inside cells."""
    found = list(csv.reader(io.StringIO(_file("csv", BATCHES), newline="")))
    assert tuple(found[0]) == COLUMNS
    expected = [row_facts(row) | {"consumed": row.consumed} for batch in BATCHES for row in batch]
    lines = [dict(zip(COLUMNS, line, strict=True)) for line in found[1:]]
    assert [{name: line[name] for name in COLUMNS if name in expected[0]} for line in lines] == [
        {name: "" if value is None else str(value) for name, value in facts.items() if name in COLUMNS}
        for facts in expected
    ]
    assert {line[name] for line in lines for name in COLUMNS if name.startswith("ai_")} == {""}
    assert _file("csv", [[]]) == ",".join(COLUMNS) + "\r\n"


def test_the_mark_that_spreadsheets_want_is_there_once_or_not_at_all() -> None:
    """Excel reads UTF-8 only with a byte order mark; a program may leave it out. JSON never has one (RFC 8259, 8.1)."""
    body = b"".join(pieces("csv", iter(BATCHES), _name))
    assert body.startswith(codecs.BOM_UTF8)
    assert body.count(codecs.BOM_UTF8) == 1
    assert b"".join(pieces("csv", iter(BATCHES), _name, bom=False)) == body.removeprefix(codecs.BOM_UTF8)
    assert b"".join(pieces("json", iter(BATCHES), _name)).startswith(b"[")
    assert "日本" in body.decode("utf-8-sig")


@pytest.mark.parametrize("evil", ["=1", "x;=1", "\uff1d1", "a\t@x", "\r=1", 'x;"=1'])
def test_rule_22_no_cell_of_any_column_is_a_formula(evil: str) -> None:
    """security.md 22: whatever column a caller's or a provider's text is in, and whatever the spreadsheet splits at."""
    used = AiUse("req_1", 1, "key_1", evil, evil, 1, 2, 3, 200, 1.0, 2.0, "complete")
    row = make_row(
        path=evil,
        route=evil,
        key_hint=evil,
        user_agent=evil,
        request_id=evil,
        client_address=evil,
        method=evil,
        ai=used,
    )
    text = _file("csv", [[row]])
    assert len(text) > len(_file("csv", [[]]))
    for delimiter in ",;\t":
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))]


def test_numbers_stay_numbers() -> None:
    """A negative number of ARI is no formula."""
    _, cells = csv.reader(io.StringIO(_file("csv", [[make_row(bytes=-5)]]), newline=""))
    assert "-5" in cells


def test_costs_have_columns() -> None:
    """An unknown cost is an empty cell, one of nothing is not."""
    uses = [
        AiUse("req_1", 1, "key_1", "openai", "m", 1, 2, 3, 200, 1.0, 2.0, "complete", cost, "0.2.3+7")
        for cost in (2_655, 0, None)
    ]
    cells = list(csv.DictReader(io.StringIO(_file("csv", [[make_row(ai=use) for use in uses]]), newline="")))
    assert [one["ai_cost_usd"] for one in cells] == ["0.002655", "0.00", ""]
    assert {(one["ai_price_version"], one["ai_is_estimated"]) for one in cells} == {("0.2.3+7", "False")}


def test_a_row_names_its_key_and_consumer() -> None:
    """For sums by consumer in a spreadsheet. A refused request has the provider that it was for."""
    rows = [make_row(key_id="key_named", route="/api/ai/openai/{path}", path="/api/ai/openai/v1/x"), make_row()]
    named, other = csv.DictReader(io.StringIO(_file("csv", [rows]), newline=""))
    assert (named["key_name"], named["consumer_id"], named["consumer_name"]) == ("Laptop", "con_1", "Acme")
    assert (named["ai_provider"], named["ai_model"]) == ("openai", "")
    assert {other[name] for name in ("key_name", "consumer_id", "consumer_name", "ai_provider")} == {""}
