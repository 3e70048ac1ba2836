"""A limit lowers a reservation only if the provider reads it."""

from typing import Any

import pytest

from ari.gateway.output_limit import read_output_limit
from ari.gateway.route import Target
from ari.integrations.providers import get_provider

CHAT = "openai/v1/chat/completions"
GEMINI = "gemini/v1beta/models/g:generateContent"
FOREIGN = {
    "max_tokens_to_sample": 1,
    "options": {"num_predict": 1},
    "generationConfig": {"maxOutputTokens": 1},
    "max_output_tokens": 1,
    "requests": [{"params": {"max_tokens": 1}}],
}


def read(route: str, body: dict[str, Any], items: int = 1) -> int | None:
    """The limit of this request."""
    name, slash, path = route.partition("/")
    return read_output_limit(Target(get_provider(name), slash + path), body, items)


@pytest.mark.parametrize(
    ("route", "body", "limit"),
    [
        (CHAT, {"max_tokens": 5}, 5),
        (CHAT, {"max_tokens": 1, "max_completion_tokens": 2}, 2),
        ("openai/v1/completions", {"max_tokens": 5}, 5),
        ("openai/v1/responses", {"max_output_tokens": 5}, 5),
        ("anthropic/v1/messages", {"max_tokens": 5}, 5),
        ("anthropic/v1/complete", {"max_tokens_to_sample": 5}, 5),
        ("perplexity/v1/sonar", {"max_tokens": 5}, 5),
        ("ollama/api/chat", {"options": {"num_predict": 5}}, 5),
        (GEMINI, {"generationConfig": {"maxOutputTokens": 5}}, 5),
        (GEMINI, {"generation_config": {"max_output_tokens": 5}}, 5),
        (CHAT, {"max_tokens": 10**30}, 10**9),
    ],
)
def test_the_limit_of_an_endpoint_is_read(route: str, body: dict[str, Any], limit: int) -> None:
    """Of several, the highest."""
    assert read(route, body) == limit
    assert read(route, {**FOREIGN, **body}) == limit


@pytest.mark.parametrize(
    ("route", "body"),
    [
        (CHAT, FOREIGN),
        ("openai/v1/completions", {**FOREIGN, "max_completion_tokens": 1}),
        ("mistral/v1/chat/completions", {"max_completion_tokens": 1}),
        ("openai/v1/responses", {"max_tokens": 1, "max_completion_tokens": 1}),
        ("anthropic/v1/messages", FOREIGN),
        ("ollama/api/chat", {"max_tokens": 1, "num_predict": 1}),
        (GEMINI, {"max_tokens": 1, "maxOutputTokens": 1}),
        ("openai/v1/images/generations", {"max_tokens": 1}),
    ],
)
def test_members_of_other_apis_limit_nothing(route: str, body: dict[str, Any]) -> None:
    """The provider ignores them."""
    assert read(route, body) is None


@pytest.mark.parametrize(
    "body",
    [
        {"max_tokens": "9"},
        {"max_tokens": True},
        {"max_tokens": -1},
        {"max_tokens": 1.0},
        {"max_tokens": 1, "MAX_TOKENS": 9},
        {"max_tokens": 1, "max_completion_tokens": "9"},
    ],
)
def test_what_servers_could_read_differently_limits_nothing(body: dict[str, Any]) -> None:
    """Some take a number in quotes, and some ignore the case of a name."""
    assert read(CHAT, body) is None


def test_every_request_of_a_batch_needs_a_limit() -> None:
    """The highest counts for each."""
    requests = [{"params": {"max_tokens": one}} for one in (10, 20)]
    assert read("anthropic/v1/messages/batches", {"requests": requests}, 2) == 20
    assert read("anthropic/v1/messages/batches", {"requests": [*requests, {"params": {}}]}, 3) is None
