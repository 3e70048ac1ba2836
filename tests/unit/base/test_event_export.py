"""The audit log as a file: everything an event holds, safe for spreadsheets, and an event of the export itself."""

import codecs
import csv
import io
import json

import pytest

from ari.base.event_export import COLUMNS, FORMATS, Format, pieces, record
from ari.base.event_search import EventSearch
from ari.base.events import Event, Origin, event_facts
from tests.unit.keys.memory import MemoryTransaction

EVENTS = [
    Event("evt_2", 2, "key_renamed", "key_1", "key_2", Origin("api", "::1", 'a "b", c\nd', "r"), {"to": "日本"}),
    Event("evt_1", 1, "signed_in", "usr_1", None, Origin("web")),
]


def _file(form: Format, *batches: list[Event]) -> str:
    return b"".join(pieces(form, batches)).decode("utf-8-sig")


def test_json_lines_are_the_api_events() -> None:
    """One object a line, each piece on its own; nothing for no events."""
    text = _file("jsonl", EVENTS[:1], [], EVENTS[1:])
    assert [json.loads(line) for line in text.splitlines()] == [event_facts(event) for event in EVENTS]
    assert text.isascii()
    assert _file("jsonl", []) == ""


def test_csv_has_every_field() -> None:
    """A header row, also alone; the detail is JSON."""
    found = list(csv.DictReader(io.StringIO(_file("csv", EVENTS), newline="")))
    for line, event in zip(found, EVENTS, strict=True):
        facts = event_facts(event)
        assert json.loads(line.pop("detail")) == facts.pop("detail")
        assert line == {name: "" if value is None else value for name, value in facts.items()}
    assert _file("csv", []) == ",".join(COLUMNS) + "\r\n"
    assert b"".join(pieces("csv", [EVENTS])).startswith(codecs.BOM_UTF8)
    assert b"".join(pieces("csv", [EVENTS], bom=False)).startswith(b"id,")


@pytest.mark.parametrize("evil", ["=1", "x;=1", "\uff1d1", "a\t@x", "\r=1", 'x;"=1'])
def test_rule_22_no_cell_of_any_column_is_a_formula(evil: str) -> None:
    """security.md 22: names, reasons and user agents are text of callers."""
    event = Event(evil, 1, "key_renamed", evil, evil, Origin(evil, evil, evil, evil), {evil: evil, "list": [evil]})
    text = _file("csv", [event])
    assert len(text) > len(_file("csv", []))
    for delimiter in ",;\t":
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))]


def test_text_can_be_cleaned_for_a_terminal() -> None:
    """security.md 22: every column of a caller's text, and the detail."""
    evil = "\x1b[31m"
    event = Event("evt_1", 1, "key_renamed", evil, evil, Origin("api", evil, evil, evil), {"from": evil})
    text = b"".join(pieces("csv", [[event]], clean=lambda text: text.replace("\x1b", "?"))).decode()
    assert "\x1b" not in text
    assert text.count("?[31m") == 5
    assert "\\u001b[31m" in text  # in the detail, which is JSON


@pytest.mark.parametrize("form", FORMATS)
def test_the_export_is_an_event_without_the_callers_text(form: Format) -> None:
    """Who exported what; an address may identify someone, and any text may be a key that was pasted."""
    tx = MemoryTransaction()
    secret, key_id = "ari_k_pasted", "key_01KB5Q2W8Z6N4T0V9YRJXH3M7C"
    search = EventSearch(("signed_in",), secret, key_id, "web", "192.0.2.7", secret, secret, 0, 1)
    record(tx, form, search)
    [event] = tx.events.written
    assert (event.name, event.subject) == ("events_exported", None)
    assert event.detail == {
        "format": form,
        "names": ["signed_in"],
        "actor": True,
        "subject": key_id,
        "door": "web",
        "since": "1970-01-01T00:00:00.000Z",
        "until": "1970-01-01T00:00:00.001Z",
        "by_address": True,
        "by_request_id": True,
        "by_text": True,
    }
    record(tx, form, EventSearch())
    assert tx.events.written[1].detail == {"format": form}
