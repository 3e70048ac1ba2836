"""Paths that look like a mistyped base URL, and paths that only need another scope."""

import pytest

from ari.gateway.path_suggestions import suggest_path
from ari.integrations.providers import get_provider, providers


@pytest.mark.parametrize(
    ("provider", "path", "right"),
    [
        ("openai", "/chat/completions", "/v1/chat/completions"),
        ("openai", "/v1/chat/completions/", "/v1/chat/completions"),
        ("openai", "/v1/v1/chat/completions", "/v1/chat/completions"),
        ("openai", "/v1/chat/completions/chat/completions", "/v1/chat/completions"),
        ("openai", "/api/ai/openai/v1/responses", "/v1/responses"),
        ("anthropic", "/v1/v1/messages", "/v1/messages"),
        ("anthropic", "/messages", "/v1/messages"),
        ("groq", "/v1/chat/completions", "/openai/v1/chat/completions"),
        ("groq", "/chat/completions", "/openai/v1/chat/completions"),
        ("openrouter", "/v1/chat/completions", "/api/v1/chat/completions"),
        ("gemini", "/models/g:generateContent", "/v1/models/{model}:generateContent"),
        ("ollama", "/v1/api/chat", "/api/chat"),
        ("elevenlabs", "/text-to-speech/v", "/v1/text-to-speech/{voice}"),
    ],
)
def test_the_path_that_was_meant(provider: str, path: str, right: str) -> None:
    """The version left out or written twice, the path in the base URL, a slash at the end."""
    assert suggest_path(get_provider(provider), "POST", path) == right


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/files"),
        ("POST", "/v1/fine_tuning/jobs"),
        ("DELETE", "/v1/models/ft-1"),
        ("GET", "/v1/chat/completions"),
        ("GET", "/v1/vector_stores/v/models"),
        ("GET", "/"),
        ("GET", ""),
        ("POST", "/v1"),
    ],
)
def test_a_path_of_its_own_is_not_mistyped(method: str, path: str) -> None:
    """For those, the other scope is what is missing."""
    assert suggest_path(get_provider("openai"), method, path) is None


def test_a_right_path_is_not_mistyped() -> None:
    """Of any provider."""
    reached = [(provider, one) for provider in providers().values() for one in provider.reaches]
    assert len(reached) > 20
    for provider, one in reached:
        method, _, template = one.partition(" ")
        assert suggest_path(provider, method, template) is None, one
