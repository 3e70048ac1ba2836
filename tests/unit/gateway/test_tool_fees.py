"""Tools whose fee no response reports are found, so that a hard budget in money can refuse them."""

from typing import Any

import pytest

from ari.gateway.tool_fees import count_reported_searches, find_unreported_fee

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
GEMINI = "/v1beta/models/g:generateContent"
OPTIONS = ["web_search_options", "search_parameters", "plugins", "compound_custom"]


@pytest.mark.parametrize(
    ("path", "tool"),
    [
        *(
            (RESPONSES, {"type": kind, "model": "m"})
            for kind in (
                "image_generation",
                "web_search",
                "web_search_preview",
                "web_search_20250305",
                "file_search",
                "code_interpreter",
                "computer_use_preview",
                "x_search",
                "not_known_yet",
            )
        ),
        (RESPONSES, {"Type": "web_search"}),
        (RESPONSES, {"type": ["function"]}),
        (RESPONSES, "web_search"),
        (MESSAGES, {"type": "code_execution_20250825", "name": "code_execution"}),
        (GEMINI, {"googleSearch": {}}),
        (GEMINI, {"google_search_retrieval": {}}),
        (GEMINI, {"functionDeclarations": [], "googleMaps": {}}),
        (GEMINI, {"google_search": {}, "input_schema": {}}),
        (GEMINI, {"google_search": {}, "type": "function"}),
        (CHAT, {"google_search": {}, "type": "function"}),
        (MESSAGES, {"name": "mine", "input_schema": {}, "google_search": {}}),
    ],
)
def test_a_tool_with_a_fee_is_found(path: str, tool: Any) -> None:
    """Also one that ARI doesn't know, and next to one without a fee."""
    assert str(find_unreported_fee(path, (), {"tools": [{"type": "function"}, tool]})).endswith(".")
    assert find_unreported_fee(path, (), {"input": [{"tools": [tool]}]}) is not None
    assert find_unreported_fee(path, (), {"tools": tool}) is not None


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_with_a_fee_is_found(name: str) -> None:
    """However its name is written."""
    for written in (name, name.upper()):
        assert find_unreported_fee(CHAT, (), {written: {"mode": "on"}}) is not None


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4o-search-preview",
        "gpt-5-search-api",
        "openai/gpt-5:online",
        "openai/gpt-5:ONLINE:nitro",
        "openai/o3-deep-research",
        "openai/o4-mini-deep-research-2025-06-26",
        "perplexity/sonar",
        "perplexity/sonar-pro",
        "groq/compound",
        "compound-beta",
    ],
)
def test_a_model_that_always_searches_is_found(model: str) -> None:
    """Each of its requests has the fee."""
    assert find_unreported_fee(CHAT, ("gpt-5", model), {}) is not None


@pytest.mark.parametrize(
    ("path", "tool"),
    [
        (CHAT, {"type": "function", "function": {}}),
        (RESPONSES, {"type": "custom"}),
        (RESPONSES, {"type": "mcp"}),
        (MESSAGES, {"name": "mine", "input_schema": {}}),
        (MESSAGES, {"type": "bash_20250124", "name": "bash"}),
        (MESSAGES, {"type": "web_search_20250305", "name": "web_search"}),
        (GEMINI, {"functionDeclarations": []}),
        (GEMINI, {"code_execution": {}}),
    ],
)
def test_other_requests_have_no_such_fee(path: str, tool: Any) -> None:
    """The caller runs the tool, or the usage reports all that it costs."""
    asked = {"tools": [tool], "plugins": None, "search_parameters": None}
    assert find_unreported_fee(path, ("gpt-5", "o3-deep-research"), asked) is None
    assert (count_reported_searches(path, asked) > 0) is (tool.get("name") == "web_search")


@pytest.mark.parametrize(
    ("limit", "count"), [(3, 3), (None, 10), (0, 10), (-1, 10), (True, 10), ("3", 10), (10**9, 1_000)]
)
def test_searches_are_counted_by_the_limit_of_the_caller(limit: Any, count: int) -> None:
    """Their fee is reserved; a senseless limit reserves neither nothing nor a whole budget."""
    tool = {"type": "web_search_20250305", "name": "web_search", "max_uses": limit}
    assert count_reported_searches(MESSAGES, {"tools": [tool]}) == count
    assert count_reported_searches(MESSAGES, {"tools": [tool, tool]}) == 2 * count
