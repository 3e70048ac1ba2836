"""Models in unusual members of a body are found, and tools that could use one without naming it."""

from typing import Any

import pytest

from ari.gateway.json_tree import Ambiguous, parse_tree
from ari.gateway.other_models import find_other_models

SCHEMA = {"type": "object", "properties": {"model": {"type": "string"}, "models": {"enum": ["x"]}}}


def _find(body: dict[str, Any], *, is_router: bool = True) -> tuple[list[str], bool]:
    found = find_other_models(body, is_router=is_router)
    assert found.problem is None or found.problem.endswith(".")
    return found.names, found.problem is None


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"type": "openrouter:image_generation", "parameters": {"model": "b"}}]},
        {"tools": [{"type": "image_generation", "parameters": {"model": "b"}}]},
        {"tools": [{"type": "advisor_20260301", "model": "b"}]},
        {"plugins": [{"id": "web", "model": "b"}]},
        {"plugins": [{"id": "web", "options": [{"analysis_models": ["b"]}]}]},
        {"fallback_model": "b"},
        {"judgeModel": "b"},
        {"JUDGE_MODEL": "b"},
        {"Model": "b"},
        {"model.name": "b"},
        {"modelId": "b"},
        {"compound_custom": {"models": {"reasoning_model": "b"}}},
        {"router": {"models": [{"id": "b"}]}},
        {"requests": [{"params": {"advisor_model": "b"}}]},
        {"input": [{"type": "x", "tools": [{"type": "namespace", "tools": [{"type": "mcp", "model": "b"}]}]}]},
        {"audio": {"input": {"tools": {"model": "b"}}}},
    ],
)
def test_a_model_is_found_wherever_it_is_named(body: dict[str, Any]) -> None:
    """By the name of its member, in any depth and writing."""
    assert _find(body) == (["b"], True)


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"model": "b", "tools": [{"type": "x"}]}], "contents": [{"model": "b"}]},
        {"system": [{"model": "b"}], "instructions": {"model": "b"}, "metadata": {"model": "b"}},
        {"input": [{"role": "user", "model": "b"}, [1, 2], "text"]},
        {"input": {"model": "b"}},
        {"tools": [{"type": "function", "name": "f", "parameters": SCHEMA}]},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}]},
        {"tools": [{"function": {"name": "f", "parameters": SCHEMA}}]},
        {"tools": [{"name": "f", "input_schema": SCHEMA}, {"functionDeclarations": [{"parameters": SCHEMA}]}]},
        {"tools": [{"google_search": {}, "urlContext": {}}, {"type": "web_search"}, {"type": "openrouter:datetime"}]},
        {"tools": [{"type": "web_search_20250305"}, {"type": "web_search_preview_2025_03_11"}, {"type": "mcp"}]},
        {"generationConfig": {"responseSchema": SCHEMA, "responseJsonSchema": SCHEMA, "_responseJsonSchema": SCHEMA}},
        {"format": SCHEMA, "response_format": {"json_schema": {"schema": SCHEMA}}, "text": {"format": SCHEMA}},
        {"output_config": {"format": SCHEMA}, "guided_json": SCHEMA},
        {"plugins": [{"id": "web"}, {"id": "file-parser"}], "tools": None},
        {"plugins": None},
        {"model": None, "models": [], "use_model": True, "modelfile": "b", "remodel": "b"},
    ],
)
def test_what_users_write_names_no_model(body: dict[str, Any]) -> None:
    """Nor do schemas, and these tools and plugins use none."""
    assert _find(body) == ([], True)


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"type": "openrouter:advisor"}]},
        {"tools": [{"type": "openrouter:advisor", "parameters": {"instructions": "x"}}]},
        {"tools": [{"type": "openrouter:fusion"}]},
        {"tools": [{"type": "not_known_yet"}]},
        {"tools": [{"type": "Function"}]},
        {"tools": [{"type": ["function"]}]},
        {"tools": [{"not_known_yet": {}}]},
        {"tools": ["web_search"]},
        {"tools": [{"type": "image_generation"}]},
        {"tools": [{"type": "image_generation", "model": ""}]},
        {"tools": [{"type": "advisor_20260301"}]},
        {"input": [{"tools": [{"type": "image_generation"}]}]},
        {"requests": [{"params": {"tools": [{"type": "not_known_yet"}]}}]},
        {"plugins": [{"id": "fusion"}]},
        {"plugins": [{"id": "web"}, {}]},
        {"plugins": {"id": "web"}},
        {"plugins": ["web"]},
        {"plugins": [{"id": ["web"]}]},
        {"Plugins": [{"id": "fusion"}]},
    ],
)
@pytest.mark.parametrize("is_router", [True, False])
def test_a_tool_could_use_a_model_that_is_not_named(body: dict[str, Any], is_router: bool) -> None:
    """Also a tool that ARI doesn't know."""
    assert _find(body, is_router=is_router) == ([], False)


def test_a_decoy_is_no_name_of_the_model_of_an_image() -> None:
    """OpenRouter reads it in the parameters only, and OpenAI outside of them."""
    body = {"tools": [{"type": "image_generation", "model": "cheap"}]}
    assert _find(body, is_router=False) == (["cheap"], True)
    assert _find(body, is_router=True) == (["cheap"], False)
    body = {"tools": [{"type": "openrouter:image_generation", "model": "cheap"}]}
    assert _find(body, is_router=False) == (["cheap"], False)
    both = {"tools": [{"type": "image_generation", "model": "cheap", "parameters": {"model": "b"}}]}
    assert _find(both) == (["cheap", "b"], True)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": {"model": "b", "model": "c"}}',
        b'{"tools": [{"type": "function", "Type": "openrouter:advisor"}]}',
        b'{"tools": [{"type": "function", "type": "openrouter:advisor"}]}',
        b'{"judge_model": {"id": "a", "id": "b"}}',
        b'{"input": [{"tools": [], "Tools": []}]}',
    ],
)
def test_members_that_servers_read_differently_are_ambiguous(body: bytes) -> None:
    """Some take the first of two, and some the last."""
    with pytest.raises(Ambiguous):
        find_other_models(parse_tree(body), is_router=True)


def test_a_deep_body_is_walked() -> None:
    """Without a recursion of the interpreter."""
    body: dict[str, Any] = {"model": "b"}
    for _ in range(5_000):
        body = {"a": [body]}
    assert _find(body) == (["b"], True)
