"""The members that say what was used are found in documents of any size, and little is held of them."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.gateway.json_members import (
    MAX_VALUE_BYTES,
    SMALL_BYTES,
    JsonDocument,
    documents_in,
    get_nested,
    has,
    value_of,
)

USAGE = {"prompt_tokens": 8, "total_tokens": 8}
LARGE = "x" * (SMALL_BYTES + 1)


def record(data: bytes, size: int) -> JsonDocument:
    found = JsonDocument()
    for at in range(0, len(data), size):
        found.add(data[at : at + size])
    return found


@pytest.mark.parametrize("filling", ["", LARGE])
@pytest.mark.parametrize("size", [1_000, 10_000_000])
def test_a_document(filling: str, size: int) -> None:
    """Small or large, in one piece or in many: the same members."""
    document = {"data": filling, "model": "m", "usage": USAGE, "response": {"output": filling, "usage": {"n": 1}}}
    [members] = record(json.dumps(document).encode(), size).documents()
    assert value_of(members, "model") == "m"
    assert value_of(members, "usage") == USAGE
    nested = get_nested(members, "response")
    assert nested is not None
    assert value_of(nested, "usage") == {"n": 1}


@pytest.mark.parametrize("filling", ["", LARGE])
@pytest.mark.parametrize("template", ["[%s]", "%s\n%s\n", "\n\n%s%s", "\ufeff%s"])
def test_several_documents(filling: str, template: str) -> None:
    """An array, lines, one after the other; with a byte order mark."""
    one = json.dumps({"x": filling, "usage": USAGE})
    data = (template.replace("%s", ",".join([one] * 2)) if "[" in template else template.replace("%s", one)).encode()
    found = record(data, 5_000).documents()
    assert [value_of(members, "usage") for members in found] == [USAGE] * (1 if "\ufeff" in template else 2)


@pytest.mark.parametrize(
    "data",
    [
        b'{"x": NaN, "usage": {"n": 1}}',
        b'{"x": ' + b"[" * 50_000 + b"]" * 50_000 + b', "usage": {"n": 1}}',
        b'{"x": "\xff\xfe", "usage": {"n": 1}}',
        b'{"usage": {"n": 0}, "usage": {"n": 1}}',
        b'{"usage": {"n": 1, "x": NaN}}',
        b'not JSON\n{"usage": {"n": 1}}',
        b'{"\\u0075sage": {"n": 1}}',
    ],
)
def test_what_strict_parsers_refuse(data: bytes) -> None:
    """Another member, or another line, does not hide the usage."""
    usage = value_of(documents_in(data)[-1], "usage")
    assert usage["n"] == 1


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"usage": {"n": 1}', b"1", b"[1, 2]", b"\xff", b'{"usage": tru}', b"[[{}]]"]
)
def test_what_has_not_ended_is_not_there(data: bytes) -> None:
    """Half a count is no count."""
    assert [value_of(members, "usage") for members in documents_in(data) if has(members, "usage")] in ([], [None])


def test_a_value_that_is_too_large_is_unknown() -> None:
    """But it is known to be there."""
    data = json.dumps({"data": LARGE, "usage": "x" * (MAX_VALUE_BYTES + 1), "error": None}).encode()
    [members] = record(data, 9_000).documents()
    assert has(members, "usage")
    assert value_of(members, "usage") is None
    assert not has(members, "error")


@pytest.mark.parametrize(
    "piece",
    [b'{"a":', b'"usage":"', b"[[", b'{"response":', b'{"usage":1}', b'{"a":1,"usage":[', b'"\\\\', b"{}\n", b"\n"],
)
def test_little_is_held_of_what_never_ends(piece: bytes) -> None:
    """Whatever is repeated for 256 KiB."""
    chunk, found = piece * (65_536 // len(piece)), JsonDocument()
    found.add(b"{" + chunk)
    tracemalloc.start()
    for _ in range(4):
        found.add(chunk)
        found.take()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2 * SMALL_BYTES


@given(st.binary(max_size=200))
def test_nothing_makes_it_fail(data: bytes) -> None:
    """Whatever the bytes are."""
    for text in (data, b'{"a":' + data, b"[" + data):
        for members in documents_in(text):
            found: Any = [value_of(members, name) for name in members]
            assert len(found) == len(members)
