"""Requests whose response reports no use are found, so that a hard budget can refuse them."""

from typing import Any

import msgspec
import pytest

from ari.gateway.request_facts import read_facts
from ari.gateway.route import Target
from ari.http.request_head import read_head
from ari.integrations.providers import get_provider
from tests.support.asgi import scope_of

CHAT = "openai/v1/chat/completions"
GEMINI = "gemini/v1beta/models/g:generateContent"
COMPLETIONS, RECORDING = "openai/v1/completions", "openai/v1/audio/transcriptions"
FORM = {"content-type": "multipart/form-data; boundary=XX"}


def _form(**fields: str) -> bytes:
    parts = ({"model": "a"} | fields).items()
    texts = [f'--XX\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in parts]
    return ("".join(texts) + "--XX--\r\n").encode()


def read_unreported(route: str, body: Any, headers: dict[str, str] | None = None, query: bytes = b"") -> str | None:
    name, slash, path = route.partition("/")
    given = {"content-type": "application/json"} | (headers or {})
    lines = [(key.encode(), value.encode()) for key, value in given.items()]
    scope = scope_of("POST", b"/api/ai/" + route.encode(), lines)
    scope["query_string"] = query
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    facts = read_facts(Target(get_provider(name), slash + path), read_head(scope, 0), raw)
    assert facts.is_determined
    return facts.unreported


@pytest.mark.parametrize(
    ("route", "body", "headers", "query"),
    [
        ("openai/v1/responses", {"model": "a", "background": True}, None, b""),
        ("openai/v1/responses", {"model": "a", "Background": True}, None, b""),
        ("xai/v1/chat/completions", {"model": "a", "deferred": 1}, None, b""),
        ("anthropic/v1/messages/batches", {"requests": [{"params": {"model": "a"}}]}, None, b""),
        ("gemini/v1beta/models/g:batchGenerateContent", {"batch": {}}, None, b""),
        ("gemini/v1beta/models/g:asyncBatchEmbedContent", {"batch": {}}, None, b""),
        (GEMINI, {}, None, b"fields=candidates"),
        (GEMINI, {}, None, b"alt=json;$Fields=candidates"),
        (GEMINI, {}, None, b"%24fields=candidates"),
        (GEMINI, {}, None, b"alt=proto"),
        (GEMINI, {}, None, b"$alt="),
        (GEMINI, {}, None, b"callback=f"),
        (GEMINI, {}, {"x-goog-fieldmask": "candidates"}, b""),
        (CHAT, {"model": "a"}, {"prefer": "wait=1, Respond-Async"}, b""),
        (CHAT, {"model": "a", "stream": 1}, None, b""),
        (CHAT, {"model": "a", "stream": "true"}, None, b""),
        (CHAT, {"model": "a", "Stream": True}, None, b""),
        (CHAT, {"model": "a", "stream": True, "stream_options": []}, None, b""),
        *((CHAT, {"model": "a", "n": count}, None, b"") for count in (0, -5, 128.0, "128", "1e2", True, [128])),
        (COMPLETIONS, {"model": "a", "best_of": "20"}, None, b""),
        (GEMINI, {"generationConfig": {"candidateCount": 8.0}}, None, b""),
        *((RECORDING, _form(response_format=one), FORM, b"") for one in ("text", "srt", "vtt", "Text", "")),
        ("openai/v1/images/edits", _form(n="many"), FORM, b""),
        (CHAT, {"model": "a", "stream": True} | {f"x{number}": 0 for number in range(2_000)}, None, b""),
        (
            CHAT,
            b'--XX\r\nContent-Disposition: form-data; name="model"\r\n\r\na\r\n--XX--\r\n',
            {"content-type": "multipart/form-data; boundary=XX"},
            b"",
        ),
    ],
)
def test_a_request_that_hides_its_use_is_found(
    route: str, body: Any, headers: dict[str, str] | None, query: bytes
) -> None:
    """It runs later, or its response leaves the usage out; a sentence says which."""
    assert str(read_unreported(route, body, headers, query)).endswith(".")


@pytest.mark.parametrize(
    ("route", "body", "query"),
    [
        (CHAT, {"model": "a", "stream": True, "stream_options": {"include_usage": False}}, b""),
        (CHAT, {"model": "a", "stream": None, "stream_options": None}, b"api-version=1"),
        ("openai/v1/responses", {"model": "a", "background": False}, b""),
        ("gemini/v1beta/models/g:streamGenerateContent", {"contents": []}, b"alt=sse"),
        ("gemini/v1beta/models/g:batchEmbedContents", {"requests": []}, b"$alt=json"),
    ],
)
def test_an_ordinary_request_is_not(route: str, body: Any, query: bytes) -> None:
    """Also one that doesn't want the usage, since ARI asks for it."""
    assert read_unreported(route, body, None, query) is None


@pytest.mark.parametrize("fields", [{}, {"response_format": "json"}, {"response_format": "verbose_json", "n": "1"}])
def test_a_transcription_that_reports_its_use_is_not(fields: dict[str, str]) -> None:
    """Its response has the length or the tokens."""
    assert read_unreported(RECORDING, _form(**fields), FORM) is None
