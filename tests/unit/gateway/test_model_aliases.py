"""An alias becomes a model's name and nothing else of the request changes."""

from typing import Any

import pytest

from ari.gateway.model_aliases import AliasTarget, find_alias, resolve_alias
from ari.gateway.request_facts import read_facts
from ari.gateway.route import Target
from ari.http.request_head import read_head
from ari.integrations.ai_rules.aliases import AliasRules
from ari.integrations.providers import get_provider
from tests.support.asgi import scope_of

RULES = AliasRules(
    {
        "fast": ("openai/gpt-5-mini", "groq/llama-4", "openai_compatible/x", "gemini/g-1", "anthropic/c"),
        "flash": ("gemini/gemini-2.5-flash", "openai/gpt-5-mini"),
        "claude": ("anthropic/c-1", "ollama/c-2"),
    }
)
FORM = "multipart/form-data; boundary=XX"


def _resolve(
    route: str, body: bytes, content_type: str = "application/json", method: str = "POST"
) -> list[AliasTarget]:
    name, slash, path = route.partition("/")
    target = Target(get_provider(name), slash + path)
    head = read_head(scope_of(method, b"/api/ai/" + route.encode(), [(b"content-type", content_type.encode())]), 0)
    alias = find_alias(RULES, read_facts(target, head, body))
    assert alias is not None
    return resolve_alias(RULES, alias, target, head, body)


def test_only_the_name_in_the_body_changes() -> None:
    """Each byte before and after it stays, and each target has its provider's own path."""
    body = b'{ "messages": [{"model": "fast"}],\n "mod\\u0065l" : "f\\u0061st", "seed": 12345678901234567890.0 }'
    found = _resolve("openai/v1/chat/completions", body)
    assert [(one.target.provider.name, one.target.path, one.model) for one in found] == [
        ("openai", "/v1/chat/completions", "gpt-5-mini"),
        ("groq", "/openai/v1/chat/completions", "llama-4"),
        ("openai_compatible", "/chat/completions", "x"),
        ("gemini", "/v1beta/openai/chat/completions", "g-1"),
    ]
    assert found[1].body == body.replace(b'"f\\u0061st"', b'"llama-4"')


def test_a_field_of_a_form_changes() -> None:
    """Only the field of that name, although another has the same text."""
    head = b'--XX\r\nContent-Disposition: form-data; name="'
    body = head + b'prompt"\r\n\r\nfast\r\n' + head + b'model"\r\n\r\nfast\r\n--XX--\r\n'
    first = _resolve("openai/v1/audio/transcriptions", body, FORM)[0]
    assert first.body == head + b'prompt"\r\n\r\nfast\r\n' + head + b'model"\r\n\r\ngpt-5-mini\r\n--XX--\r\n'


@pytest.mark.parametrize(
    ("route", "method", "path"),
    [
        ("gemini/v1beta/models/flash:generateContent", "POST", "/v1beta/models/gemini-2.5-flash:generateContent"),
        ("gemini/v1beta/models/flash", "GET", "/v1beta/models/gemini-2.5-flash"),
    ],
)
def test_a_path_changes(route: str, method: str, path: str) -> None:
    """At the same provider: others have no such paths."""
    [found] = _resolve(route, b"{}", method=method)
    assert (found.target.path, found.model, found.body) == (path, "gemini-2.5-flash", b"{}")


@pytest.mark.parametrize("model", ["../files/x", "x/./y", "x?alt=media", "x%2F..", "x;a=b"])
def test_a_model_that_leads_to_another_path_is_not_used(model: str) -> None:
    """A path with it could be that of another endpoint."""
    target = Target(get_provider("gemini"), "/v1beta/models/flash:generateContent")
    head = read_head(scope_of("POST", b"/api/ai/gemini/v1beta/models/flash:generateContent", []), 0)
    assert resolve_alias(AliasRules({"flash": (f"gemini/{model}",)}), "flash", target, head, b"{}") == []


def test_the_same_api_is_found_at_another_provider() -> None:
    """Ollama serves Anthropic's."""
    found = _resolve("anthropic/v1/messages", b'{"model":"claude"}')
    assert [(one.target.provider.name, one.target.path) for one in found] == [
        ("anthropic", "/v1/messages"),
        ("ollama", "/v1/messages"),
    ]


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("anthropic/v1/messages/batches", b'{"requests": [{"params": {"model": "fast"}}]}'),
        ("openai/v1/responses", b'{"tools": [{"model": "fast"}]}'),
    ],
)
def test_an_alias_deep_in_a_body_has_no_target(route: str, body: bytes) -> None:
    """It is refused rather than left for the provider to misread."""
    assert _resolve(route, body) == []


@pytest.mark.parametrize("body", [b'{"model": "fast", "models": ["a"]}', b'{"model": "other"}', b"{}", b"x"])
def test_no_alias_is_found_where_it_is_not_the_only_model(body: bytes) -> None:
    """Then the request is as the caller wrote it."""
    target = Target(get_provider("openai"), "/v1/chat/completions")
    head: Any = read_head(scope_of("POST", b"/api/ai/openai/v1/chat/completions", []), 0)
    assert find_alias(RULES, read_facts(target, head, body)) is None
