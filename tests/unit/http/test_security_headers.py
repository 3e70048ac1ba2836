"""The headers of every response (security.md 4, 5, 30)."""

from collections.abc import Sequence

import pytest

from ari.base.settings import Settings
from ari.http.problem import Header
from ari.http.security_headers import SecurityHeaders
from tests.support.contexts import a_context


def _send(target: str, status: int = 200, given: Sequence[Header] = (), url: str | None = None) -> list[Header]:
    headers = SecurityHeaders(Settings(public_url=url))
    return headers.complete(a_context("GET", target), status, given)


@pytest.mark.parametrize("target", ["/api/me", "/settings", "/no/such/page"])
def test_responses_are_never_stored(target: str) -> None:
    """A shared cache must not give one caller's response to another; each says its request's ID once."""
    sent = _send(target)
    assert (b"cache-control", b"no-store") in sent
    assert [name for name, _ in sent].count(b"x-request-id") == 1
    assert (b"x-content-type-options", b"nosniff") in sent


def test_ours_replace_those_of_an_endpoint_or_a_provider() -> None:
    """Two policies of one name would leave it to the browser which counts."""
    given = [(b"content-security-policy", b"default-src *"), (b"server", b"nginx/1.0"), (b"x-own", b"1")]
    sent = _send("/api/ai/openai/v1/models", given=given)
    assert [name for name, _ in sent].count(b"content-security-policy") == 1
    assert b"default-src *" not in dict(sent)[b"content-security-policy"]
    assert b"server" not in dict(sent)
    assert (b"x-own", b"1") in sent


def test_a_response_of_the_api_runs_nothing_when_opened_as_a_page() -> None:
    """security.md 35: whatever a provider put into it."""
    policy = dict(_send("/api/me"))[b"content-security-policy"]
    assert policy.startswith(b"sandbox; default-src 'none'")


def test_scripts_of_a_page_need_the_nonce_of_this_response() -> None:
    """security.md 30: never plain 'self', under which a response of the API could be run as a script."""
    first, second = (dict(_send("/settings"))[b"content-security-policy"] for _ in range(2))
    assert b"script-src 'nonce-" in first
    assert b"script-src 'self'" not in first
    assert b"unsafe-inline" not in first
    assert first != second


def test_only_static_files_that_exist_may_be_kept() -> None:
    """Their names change with their content; a 404 for one must not be kept for a year."""
    assert b"immutable" in dict(_send("/static/app.js"))[b"cache-control"]
    assert dict(_send("/static/app.js", 404))[b"cache-control"] == b"no-store"


def test_only_an_instance_under_https_asks_for_https() -> None:
    """HSTS on a plain host would lock its owner out."""
    assert b"strict-transport-security" in dict(_send("/settings", url="https://ari.example.net"))
    assert b"strict-transport-security" not in dict(_send("/settings", url="http://nas.lan:3000"))
