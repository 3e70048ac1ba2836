"""Fields of a JSON body are read as every server reads them, or not at all."""

from typing import Any

import pytest

from ari.gateway.json_tree import Ambiguous, compile_fields, find_values, fold_name, is_quick, parse_tree


def _find(body: bytes, *fields: str) -> list[Any]:
    return find_values(parse_tree(body), compile_fields(fields))


@pytest.mark.parametrize(
    ("body", "fields", "found"),
    [
        (b'{"model": "a"}', ("model",), ["a"]),
        (b'{"mod\\u0065l": "a"}', ("model",), ["a"]),
        (b'{"model": null}', ("model",), []),
        (b'{"models": ["a", "b", null]}', ("models[]",), ["a", "b"]),
        (b'{"models": "a"}', ("models[]",), []),
        (b'{"requests": [{"params": {"model": "a"}}, {"params": {}}]}', ("requests[].params.model",), ["a"]),
        (b'{"a": {"model": "b"}, "model": "c"}', ("model", "a.model"), ["c", "b"]),
        (b'[{"model": "a"}]', ("model",), []),
        (b'{"messages": [{"a": 1, "a": 2, "Model": 3}], "model": "a"}', ("model",), ["a"]),
    ],
)
def test_the_values_of_fields_are_found(body: bytes, fields: tuple[str, ...], found: list[Any]) -> None:
    """Written in any way that JSON allows; what lies elsewhere in the body doesn't matter."""
    assert _find(body, *fields) == found


def test_a_body_of_too_many_values_is_not_read() -> None:
    """Eleven million empty objects in 32 MiB would take a gigabyte and stop the process for seconds."""
    body = b'{"model": "a", "messages": [%s{}]}'
    assert parse_tree(body % (b"{}," * 1_000))["model"] == "a"
    for value in (b"{}", b"[]", b"1"):
        with pytest.raises(Ambiguous, match="too many values"):
            parse_tree(body % ((value + b",") * 500_000))


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "a", "model": "b"}',
        b'{"model": "a", "mod\\u0065l": "b"}',
        b'{"temperature": 1, "temperature": 2, "model": "a"}',
        b'{"model": "a", "Model": "b"}',
        b'{"MODEL": "b"}',
        b'{"model": "a", "model\\u0000": "b"}',
        b'{"model": "a", "mo\\ud800del": "b"}',
        b'{"model": "a", " model": "b"}',
        b'{"model": "a", "\xef\xbd\x8dodel\\ufeff": "b", "mode\\u006c ": "c"}',
        b"{'model': 'a'}",
        b'{"model": NaN}',
        b'{"model": "a"} {"model": "b"}',
        b'{"model": "a",}',
        b'{"model": "a" /* "model": "b" */}',
        b'\xef\xbb\xbf{"model": "a"}',
        '{"model": "a"}'.encode("utf-16"),
        b'{"x": "\xe0", "model": "a"}',
        b'{"model": "a\nb"}',
        b"[" * 100_000,
        b"",
    ],
)
def test_what_servers_could_read_differently_is_ambiguous(body: bytes) -> None:
    """Equal members, other cases, characters that some servers drop, and what only lenient parsers accept."""
    with pytest.raises(Ambiguous):
        _find(body, "model")


def test_a_nested_object_is_checked_where_a_field_is_read() -> None:
    """``requests[].params`` must be as clear as the body itself."""
    with pytest.raises(Ambiguous):
        _find(b'{"requests": [{"params": {"model": "a", "Model": "b"}}]}', "requests[].params.model")


@pytest.mark.parametrize(
    ("name", "folded"), [("model", "model"), ("Model_ID", "model_id"), ("model[]", "model"), ("\u212aey", "key")]
)
def test_a_name_is_folded_as_the_most_lenient_server_would(name: str, folded: str) -> None:
    """Go folds the Kelvin sign to k, and PHP drops brackets."""
    assert fold_name(name) == folded


@pytest.mark.parametrize(
    ("body", "quick"),
    [
        (b"[" + b"{}," * 2_000 + b"{}]", True),
        (b"[" + b"{}," * 3_000 + b"{}]", False),
        (b"[" + b"1," * 5_000 + b"1]", False),
        (b'{"text":"' + b"a" * 200_000 + b'"}', True),
        (b'{"text":"' + b"a" * 300_000 + b'"}', False),
    ],
)
def test_a_body_is_quick_by_its_values(body: bytes, quick: bool) -> None:
    """Text is fast to read, and small objects are slow."""
    assert is_quick(body) is quick
