"""Headers by allowlist, in both directions, and requests that are not forwarded: pure, so the odd cases are here."""

from typing import Any

import pytest

from ari.gateway import head
from ari.http.incoming import Incoming, read_head
from ari.integrations.model import Credential
from ari.integrations.providers import provider_named

SECRET = "sk-proj-0123456789abcdefghijklmnop"


def _incoming(*headers: tuple[str, str], path: str = "/api/ai/openai/v1/models", query: str = "") -> Incoming:
    scope: dict[str, Any] = {
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
    }
    return read_head(scope, 1, 0.0)


def _credential(name: str = "openai", base_url: str = "https://api.openai.com") -> Credential:
    return Credential(provider_named(name), base_url, "stored", False, SECRET, 1)


def test_the_callers_credentials_stay_here_and_the_key_goes_in_their_place() -> None:
    """However the caller sent them, whatever else it sent."""
    sent = _incoming(
        ("authorization", "Bearer ari_k_x"),
        ("x-api-key", "ari_k_x"),
        ("x-goog-api-key", "mine"),
        ("cookie", "__Host-ari=1"),
        ("proxy-authorization", "Basic x"),
        ("forwarded", "for=1.2.3.4"),
        ("x-forwarded-for", "1.2.3.4"),
        ("origin", "https://a.example"),
        ("referer", "https://a.example/"),
        ("openai-organization", "org-other"),
        ("accept-encoding", "gzip"),
        ("host", "ari.example"),
        ("content-type", "application/json"),
        ("user-agent", "sdk/1"),
    )
    assert dict(head.to_provider(sent, _credential())) == {
        "authorization": f"Bearer {SECRET}",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": "sdk/1",
    }


def test_what_connection_names_goes_no_further() -> None:
    """Even if it may pass otherwise (RFC 9110 §7.6.1)."""
    sent = _incoming(("connection", "keep-alive, Accept"), ("accept", "x/y"), ("openai-beta", "a"))
    passed = dict(head.to_provider(sent, _credential()))
    assert "accept" not in passed
    assert passed["openai-beta"] == "a"


def test_a_default_header_gives_way_to_the_callers() -> None:
    """Anthropic's version: ours where the caller names none; a header that could break lines is left out."""
    anthropic = _credential("anthropic", "https://api.anthropic.com")
    assert dict(head.to_provider(_incoming(), anthropic))["anthropic-version"] == "2023-06-01"
    own = _incoming(("anthropic-version", "2099-01-01"), ("anthropic-beta", "a\nx: b"))
    passed = dict(head.to_provider(own, anthropic))
    assert passed["anthropic-version"] == "2099-01-01"
    assert "anthropic-beta" not in passed


@pytest.mark.parametrize(
    "kind", ["text/html", "image/svg+xml", "application/xml", "text/javascript", "application/pdf"]
)
def test_what_a_browser_could_run_leaves_as_a_download(kind: str) -> None:
    """Whatever a provider, or a model's owner, answers."""
    found = head.to_caller([(b"Content-Type", kind.encode())])
    assert found == [(b"content-type", b"application/octet-stream"), (b"content-disposition", b"attachment")]


@pytest.mark.parametrize(
    "kind",
    ["application/json", "text/event-stream; charset=utf-8", "application/x-ndjson", "audio/mpeg", "image/png"],
)
def test_what_providers_are_asked_for_keeps_its_type(kind: str) -> None:
    """JSON, streams, audio and plain pictures."""
    assert head.to_caller([(b"Content-Type", kind.encode())]) == [(b"content-type", kind.encode())]


@pytest.mark.parametrize("dest", ["document", "iframe", "script", "serviceworker", "embed", "object", "frame"])
def test_a_browser_does_not_open_answers(dest: str) -> None:
    """Refused before the provider hears of it."""
    fault = head.refusal(_incoming(("sec-fetch-dest", dest)))
    assert fault is not None
    assert fault.reason.status == 403


def test_a_program_in_a_browser_may_ask() -> None:
    """``fetch`` says ``empty``."""
    assert head.refusal(_incoming(("sec-fetch-dest", "empty"))) is None


@pytest.mark.parametrize("query", ["key=x", "a=1&KEY=x", "%6bey=x", "api_key=x", "access_token=", "key"])
def test_a_key_in_the_query_is_refused(query: str) -> None:
    """However it is written."""
    fault = head.refusal(_incoming(query=query))
    assert fault is not None
    assert fault.reason.status == 400


@pytest.mark.parametrize("query", ["alt=sse", "monkey=1", "limit=20&after=key"])
def test_other_queries_pass(query: str) -> None:
    """They are the provider's own."""
    assert head.refusal(_incoming(query=query)) is None


@pytest.mark.parametrize("path", ["v1/%2e%2e/x", "v1/%252e%252e/x", "v1/.%2e/x", "v1/a%255cb", "v1/%25252525"])
def test_hidden_segments_are_refused(path: str) -> None:
    """Plain ones never get here: the guard refuses them."""
    fault = head.refusal(_incoming(path=f"/api/ai/openai/{path}"))
    assert fault is not None
    assert fault.reason.status == 400


def test_a_request_never_leaves_its_origin() -> None:
    """Whatever the path tries."""
    credential = _credential()
    assert head.url_for(credential, "/v1/models", b"a=b") == "https://api.openai.com/v1/models?a=b"
    for path in ("@evil.example/", ".evil.example/", ":9@evil.example/"):
        with pytest.raises(ValueError, match="leave"):
            head.url_for(credential, path, b"")
