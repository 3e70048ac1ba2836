"""A walked document has the members that a JSON parser finds, however it is cut."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.gateway.json_walk import MAX_KEY_BYTES, MAX_MEMBERS, JsonPart, JsonWalker

TEXT = st.text(st.sampled_from('ab"\\{}[],: \n\u00e9\U0001f600'), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=25,
)
CUTS = st.lists(st.integers(1, 30), min_size=1, max_size=8)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    found: list[bytes] = []
    at = 0
    while at < len(data):
        size = sizes[len(found) % len(sizes)]
        found.append(data[at : at + size])
        at += size
    return found


def walk(chunks: list[bytes]) -> tuple[JsonWalker, list[tuple[str | None, bytes]], bytes]:
    """The walker, the members that it found, and all bytes that were in a span."""
    walker, members, seen = JsonWalker(), [], b""
    value = b""
    for chunk in chunks:
        for span in walker.walk(chunk):
            seen += chunk[span.start : span.end]
            if span.kind is JsonPart.VALUE:
                value = (b"" if span.begins else value) + chunk[span.start : span.end]
                if span.ends:
                    members.append((walker.key, value))
    return walker, members, seen


@given(st.dictionaries(TEXT, VALUES, max_size=6), CUTS, st.sampled_from([None, 2]), st.booleans())
def test_members_of_an_object(document: dict[str, Any], sizes: list[int], indent: int | None, plain: bool) -> None:
    """Keys, values and order are those of the parser; every byte is in one span."""
    data = json.dumps(document, indent=indent, ensure_ascii=plain).encode()
    walker, members, seen = walk(cut(data, sizes))
    assert walker.done
    assert seen == data
    assert [(key, json.loads(value)) for key, value in members] == list(document.items())


@given(st.lists(VALUES, max_size=6), CUTS)
def test_elements_of_an_array(document: list[Any], sizes: list[int]) -> None:
    """Likewise, without keys."""
    data = json.dumps(document).encode()
    walker, members, seen = walk(cut(data, sizes))
    assert (walker.done, walker.is_array, seen) == (True, True, data)
    assert [json.loads(value) for _, value in members] == document


@pytest.mark.parametrize("size", [1, 7, 64, 4_096])
def test_large_values_are_passed_over(size: int) -> None:
    """Also where a chunk holds nothing but a part of one: strings with brackets, escapes, depth, many small values."""
    document = {
        "text": 'a "quote" \\ and {[ brackets' * 300,
        "deep": json.loads("[" * 60 + "]" * 60),
        "many": [{"token": 'x]"}', "bytes": [1, 2], "top": []}] * 400,
        "last": 1,
    }
    data = json.dumps(document).encode()
    walker, members, _ = walk(cut(data, [size]))
    assert walker.done
    assert [key for key, _ in members] == list(document)
    assert all(json.loads(value) == document[key or ""] for key, value in members)


def test_depth_does_not_matter() -> None:
    """A parser that recurses would fail here."""
    data = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b',"b":1}'
    for size in (1_000, len(data)):
        walker, members, _ = walk(cut(data, [size]))
        assert walker.done
        assert members[-1] == ("b", b"1")


@pytest.mark.parametrize("data", [b"1", b'"a"', b"null", b"{1}", b'{"a" 1}', b'{"a":,}', b'{"a":}', b"x", b"}"])
def test_what_is_no_object_is_bad(data: bytes) -> None:
    """It is not walked any further."""
    walker, members, seen = walk([data])
    assert walker.bad
    assert members == []
    assert data.startswith(seen)


@pytest.mark.parametrize("data", [b"", b"  ", b'{"a":1', b'{"a', b"[1,", b'{"a":"\\', b'{"a":tr'])
def test_what_breaks_off_has_not_ended(data: bytes) -> None:
    """It is neither done nor bad."""
    walker, _, seen = walk(cut(data, [1]))
    assert not walker.done
    assert not walker.bad
    assert seen == data


def test_keys() -> None:
    """Escapes are decoded; of two of a name both are there; a long one is no name."""
    walker, members, _ = walk([b'{"\\u0061":1,"a":2,"' + b"k" * (MAX_KEY_BYTES + 1) + b'":3}'])
    assert walker.done
    assert members == [("a", b"1"), ("a", b"2"), (None, b"3")]


def test_an_object_with_too_many_members_is_not_walked_to_its_end() -> None:
    """It would take seconds."""
    walker, members, _ = walk([b"{" + b'"a":0,' * (MAX_MEMBERS + 1) + b'"b":1}'])
    assert walker.bad
    assert len(members) == MAX_MEMBERS
