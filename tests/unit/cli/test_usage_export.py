"""``ari usage export``: the log on standard output."""

import csv
import io
import json

import pytest

from ari.usage.ports import Batch
from tests.support.usage import make_ai_use, make_row
from tests.unit.cli.conftest import Ari


def _export(ari: Ari, *words: str) -> str:
    return ari.out_bytes("usage", "export", *words).decode()


def _commit(ari: Ari, **fields: object) -> str:
    instance = ari.instance()
    row = make_row(instance.now_ms(), **fields)
    instance.database.usage.commit(Batch([row]))
    instance.close()
    return row.id


def test_text_of_callers_controls_no_terminal_and_runs_no_formula(ari: Ari) -> None:
    """security.md 22: the file is looked at in terminals and spreadsheets."""
    _commit(ari, path="/\x1b[31m", user_agent="=1+1")
    text = _export(ari)
    assert text.startswith("\ufeff")
    assert "\x1b" not in text
    [row] = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert "'=1+1" in row.values()


def test_json_is_an_array_of_whole_rows(ari: Ari) -> None:
    """Filtered like the list; the export itself is an event."""
    row_id = _commit(ari, code="revoked")
    _commit(ari)
    assert [one["id"] for one in json.loads(_export(ari, "--format", "json", "--code", "revoked"))] == [row_id]
    assert "usage_exported" in [event["name"] for event in ari.json("events")["items"]]


@pytest.mark.parametrize(
    "words", [("--status", "hunter2"), ("--method", "BREW"), ("--format", "xml"), ("--text", "x" * 201)]
)
def test_a_wrong_filter_exports_nothing(ari: Ari, words: tuple[str, ...]) -> None:
    """A usage error, and no event of an export."""
    assert ari("usage", "export", *words, check=False).code == 2
    assert [event["name"] for event in ari.json("events")["items"]] == []


def test_requests_through_the_gateway_are_in_both_formats(ari: Ari) -> None:
    """With the model, in which a caller's text controls no terminal either."""
    instance = ari.instance()
    row = make_row(instance.now_ms())
    instance.database.usage.commit(Batch([row], [make_ai_use(row.id, model="gpt-\x1b[31m")]))
    instance.close()
    [found] = csv.DictReader(io.StringIO(_export(ari).removeprefix("\ufeff")))
    [model] = [value for value in found.values() if value.startswith("gpt-")]
    assert "\x1b" not in model
    [same] = json.loads(_export(ari, "--format", "json"))
    assert same["ai"]["model"].startswith("gpt-")
