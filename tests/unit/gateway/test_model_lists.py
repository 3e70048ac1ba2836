"""A list of models has those that the caller may use, and its aliases; its cursors stay."""

import json
from typing import Any

import pytest

from ari.gateway.model_lists import ModelFilter, filter_list, is_list
from ari.integrations.providers import get_provider

MODELS = ModelFilter(lambda model: model.startswith("a"), (("fast", "a-1"),))


def _filter(found: Any, query: bytes = b"") -> Any:
    filtered = filter_list(json.dumps(found).encode(), query, MODELS)
    assert filtered is not None
    return json.loads(filtered)


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        (
            {"object": "list", "data": [{"id": "a-1", "owned_by": "x"}, {"id": "b-1"}]},
            {"object": "list", "data": [{"id": "a-1", "owned_by": "x"}, {"id": "fast", "owned_by": "x"}]},
        ),
        (
            {"models": [{"name": "models/a-1", "displayName": "A"}, {"name": "models/b"}], "nextPageToken": "t"},
            {
                "models": [{"name": "models/a-1", "displayName": "A"}, {"name": "models/fast", "displayName": "A"}],
                "nextPageToken": "t",
            },
        ),
        (
            {"models": [{"name": "a-1", "model": "a-1"}, {"name": "b", "model": "b"}]},
            {"models": [{"name": "a-1", "model": "a-1"}, {"name": "fast", "model": "fast"}]},
        ),
        (
            [{"model_id": "a-1", "name": "For people"}, {"model_id": "b", "name": "a for people"}],
            [{"model_id": "a-1", "name": "For people"}, {"model_id": "fast", "name": "For people"}],
        ),
        ({"models": [{"name": "models/b"}]}, {"models": [{"name": "models/fast"}]}),
    ],
    ids=["openai", "gemini", "ollama", "elevenlabs", "model elsewhere"],
)
def test_entries_are_filtered_in_every_shape(found: Any, kept: Any) -> None:
    """An alias looks like its model."""
    assert _filter(found) == kept


def test_pages_stay_pages() -> None:
    """An alias is on the first page only, and cursors are the provider's, although they may name a removed model."""
    page = {"data": [{"id": "b-1"}, {"id": "b-2"}], "has_more": True, "last_id": "b-2"}
    assert _filter(page, b"limit=2&after_id=a-9") == page | {"data": []}
    assert [one["id"] for one in _filter(page, b"limit=2")["data"]] == ["fast"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"data": {}}', b'{"data": ["a"]}', b"[1]"])
def test_another_body_is_no_list(body: bytes) -> None:
    """It isn't passed on, since it could hold what the caller may not see."""
    assert filter_list(body, b"", MODELS) is None


@pytest.mark.parametrize(
    ("provider", "path", "expected"),
    [
        ("openai", "/v1/models", True),
        ("openai", "/v1/models/gpt-5", False),
        ("ollama", "/api/tags", True),
        ("xai", "/v1/language-models", True),
        ("gemini", "/v1beta/openai/models", True),
        ("openai", "/v1/models/", True),
        ("openai", "/v1/model%73", True),
        ("openai", "/v1/organization/models", False),
    ],
)
def test_lists_are_recognized(provider: str, path: str, expected: bool) -> None:
    """By the provider's file."""
    assert is_list(get_provider(provider), "GET", path) is expected
    assert not is_list(get_provider(provider), "POST", path)
