"""Lines of a copy of the audit log: exact, tolerant of what collectors do to them, and closed to hostile ones."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ari.base.audit_lines import ChainedEvent, NotAuditLine, SignedHead, parse_line
from tests.support.audit_copies import make_chain, make_head, make_key

ENDED = "ins_01KB5Q2W8Z6N4T0V9YRJXH3M7C"


def test_a_line_is_the_event_with_its_hashes() -> None:
    """In ASCII on one line, so no text in it can begin another."""
    [one] = make_chain(1)
    line = one.to_line()
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert parse_line(line) == one
    assert one.fits
    assert {"id", "time", "at_ms", "name", "detail", "previous", "hash"} <= json.loads(line).keys()


def test_collectors_may_rewrite_a_line() -> None:
    """Other spacing and order, text in UTF-8, more members, a syslog header in front: the event is the same."""
    [one] = make_chain(1)
    facts: dict[str, Any] = json.loads(one.to_line())
    turned = {"host": "collector", **dict(reversed(facts.items()))}
    rewritten = f"<110>1 - ari - - - {json.dumps(turned, ensure_ascii=False, indent=None)} \r\n".encode()
    parsed = parse_line(rewritten)
    assert parsed == one
    assert isinstance(parsed, ChainedEvent)
    assert parsed.fits


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "evt_1"),
        ("id", None),
        ("at_ms", True),
        ("at_ms", -1),
        ("at_ms", 10**15),
        ("name", "a\x1b[2J"),
        ("detail", []),
        ("hash", "g" * 64),
        ("previous", ""),
        ("actor", None),
        ("user_agent", 7),
        ("time", "2030-01-01T00:00:00.000Z"),
    ],
)
def test_a_field_of_another_kind_is_refused(name: str, value: object) -> None:
    """Before anything is computed from it or shown of it."""
    [one] = make_chain(1)
    with pytest.raises(NotAuditLine):
        parse_line(json.dumps(json.loads(one.to_line()) | {name: value}).encode())
    without = {key: kept for key, kept in json.loads(one.to_line()).items() if key != name}
    with pytest.raises(NotAuditLine):
        parse_line(json.dumps(without).encode())


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"hello",
        b"{",
        b"{}",
        b'{"id": NaN}',
        b'{"a": 1, "a": 1}',
        b"[{}]",
        b'{"id": "\xff"}',
        b'{"a":' * 100_000,
        b'{"a": ' + b"9" * 5_000 + b"}",
        b'{"statement": 7}',
        b'{"statement": "{}", "public_key": "AA==", "signature": "AA=="}',
        b"\x00" * 64,
    ],
)
def test_other_lines_are_refused(line: bytes) -> None:
    """With one reason each, never with an error of a library."""
    with pytest.raises(NotAuditLine):
        parse_line(line)


def test_a_head_is_read_as_it_was_signed(tmp_path: Path) -> None:
    """Its signature is over the exact text."""
    key = make_key(tmp_path)
    chain = make_chain(3)
    line = make_head(key, chain)
    parsed = parse_line(line)
    assert isinstance(parsed, SignedHead)
    assert (parsed.head.position, parsed.head.hash) == (3, chain[-1].hash)
    assert parsed.mark.signature.fits(parsed.mark.text.encode())
    facts = json.loads(line)
    for statement in (facts["statement"].replace('"position":3', '"position":"3"'), "7", "{}"):
        with pytest.raises(NotAuditLine):
            parse_line(json.dumps(facts | {"statement": statement}).encode())


@pytest.mark.parametrize(
    "change", [{"replaced": []}, {"replaced": {"x": 1}}, {"replaced": {ENDED: -1}}, {"history": "x"}]
)
def test_a_head_with_odd_histories_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    """Anybody can sign one with a key of their own."""
    head = make_head(make_key(tmp_path), make_chain(2))
    parsed = parse_line(head)
    assert isinstance(parsed, SignedHead)
    good = replace(parsed.head, history=parsed.head.event_id, replaced={ENDED: 1})
    line = json.loads(head)
    assert isinstance(parse_line(json.dumps(line | {"statement": good.to_text()}).encode()), SignedHead)
    statement = json.loads(good.to_text()) | change
    with pytest.raises(NotAuditLine, match="isn't a signed head"):
        parse_line(json.dumps(line | {"statement": json.dumps(statement)}).encode())
