"""Facts stored about a key: bad input gets an error at its field, and no secret is stored by accident (promise 4)."""

from typing import Any

import pytest

from ari.base.errors import Invalid
from ari.keys.ownership import (
    MAX_TAGS,
    METADATA_BYTES,
    metadata_facts,
    parse_environment,
    parse_external_id,
    parse_metadata,
    parse_tags,
)
from ari.keys.token import mint


def test_tags_are_sorted_and_unique() -> None:
    """The same set of tags is always stored as the same text."""
    assert parse_tags(["b", "a", "b", "team:x/1.2_3-4"]) == ("a", "b", "team:x/1.2_3-4")
    assert parse_tags([]) == ()


@pytest.mark.parametrize("tag", ["", " ", "A", "a b", "a\n", "-a", "ä", "a" * 41, "a\0", mint()], ids=range(10))
def test_other_tags_are_refused(tag: str) -> None:
    """Tags are separated by spaces in storage and shown in filters."""
    with pytest.raises(Invalid) as raised:
        parse_tags([tag])
    assert raised.value.problems[0].location == "tags"


def test_there_is_a_bound_on_tags() -> None:
    """The last allowed number, and one more."""
    tags = [f"t{number}" for number in range(MAX_TAGS + 1)]
    assert len(parse_tags(tags[:-1])) == MAX_TAGS
    with pytest.raises(Invalid):
        parse_tags(tags)


@pytest.mark.parametrize(
    "value", [{"plan": "pro", "seats": 5, "ratio": 0.5, "nested": {"list": [1, None, True, "ü🚀"]}}, {"": ""}]
)
def test_metadata_reads_back_the_same(value: dict[str, Any]) -> None:
    """ARI returns what it was given, and nothing else."""
    assert metadata_facts(parse_metadata(value)) == value


def test_no_metadata_is_stored_as_none() -> None:
    """Keys without it cost nothing."""
    assert parse_metadata({}) is None
    assert parse_metadata(None) is None
    assert metadata_facts(None) == {}


def _nest(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "value",
    [
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": 2**53 + 1},
        {"a": [-(2**64)]},
        {"a": "\ud800"},
        {"\udfff": 1},
        {"a": "\0"},
        {"a\0": 1},
        {"a": "x" * METADATA_BYTES},
        {"a": "ü" * (METADATA_BYTES // 2)},
        {"a": mint()},
        _nest(100_000),
    ],
    ids=range(12),
)
def test_metadata_that_cannot_be_kept_exactly_is_refused(value: dict[str, Any]) -> None:
    """NaN, large numbers, halves of characters and NUL would change or break a later response."""
    with pytest.raises(Invalid) as raised:
        parse_metadata(value)
    assert raised.value.problems[0].location == "metadata"


@pytest.mark.parametrize("text", ["customer_4711", "a", "x" * 200, "auth0|42:7"])
def test_external_ids_are_kept_as_they_are(text: str) -> None:
    """They are the operator's, and case counts."""
    assert parse_external_id(text) == text


@pytest.mark.parametrize("text", ["", " a", "a/b", "ä", "a\n", "x" * 201, "con_1", ".", "..", mint()], ids=range(10))
def test_other_external_ids_are_refused(text: str) -> None:
    """One that looks like ARI's own ID would name two consumers."""
    with pytest.raises(Invalid) as raised:
        parse_external_id(text)
    assert raised.value.problems[0].location == "external_id"


def test_there_are_two_environments() -> None:
    """Anything else is a typo."""
    assert [parse_environment(text) for text in ("live", "test")] == ["live", "test"]
    with pytest.raises(Invalid):
        parse_environment("Live")
