"""Which of the caller's headers a provider sees: those on a list, line by line."""

from typing import Any

import pytest

from ari.gateway.request_headers import is_denied, to_provider
from ari.http.request_head import RequestHead, read_head
from ari.integrations.model import Credential
from ari.integrations.providers import get_provider, providers

SECRET = "sk-proj-0123456789abcdefghijklmnop"
PASS = """
accept accept-language anthropic-beta anthropic-dangerous-direct-browser-access anthropic-user-profile-id
anthropic-version anthropic-worker-id anthropic-workspace-id cache-control chatgpt-account-id
content-language content-type http-referer idempotency-key if-none-match openai-beta
openai-organization openai-project openai-safety-identifier originator range user-agent x-client-request-id
x-goog-api-client x-goog-request-params x-goog-user-project x-goog-upload-protocol x-grok-conv-id x-initiator
x-max-tokens x-openrouter-title x-session-id x-stainless-arch x-stainless-async x-stainless-helper-method
x-stainless-lang x-stainless-os x-stainless-package-version x-stainless-poll-helper x-stainless-read-timeout
x-stainless-retry-count x-stainless-runtime x-stainless-timeout x-title x-use-cache
"""
STAY = """
accept-encoding anthropic-auth-token api-key apikey authorization b3 baggage cf-access-jwt-assertion
cf-connecting-ip client-ip connection content-encoding content-length cookie cookie2 dnt expect
fastly-client-ip forwarded forwarded-for host http2-settings hx-request keep-alive ocp-apim-subscription-key
openai-api-key origin proxy-authorization proxy-connection referer remote-user sec-ch-ua sec-fetch-site
sec-websocket-key set-cookie ssl-client-verify te traceparent tracestate trailer transfer-encoding
true-client-ip upgrade via x-access-token x-amz-security-token x-amzn-trace-id x-anthropic-api-key x-api-key
x-auth-request-email x-auth-token x-b3-traceid x-client-ip x-csrf-token x-forwarded x-forwarded-client-cert
x-forwarded-for x-forwarded-host x-goog-api-key x-goog-authenticated-user-email x-goog-iam-authorization-token
x-http-method-override x-ms-client-principal x-original-url x-real-ip x-request-id x-rewrite-url xi-api-key
"""
TARGETS = """
ai-language-model-id anthropic-base-url azureml-model-deployment cf-aig-cache-ttl cf-aig-custom-provider extra-headers
helicone-fallbacks helicone-model-override helicone-openai-api-base helicone-session-id helicone-target-provider
helicone-target-url openai-api-base openai-base-url openai-proxy x-api-base x-base-url x-goog-upload-url
x-gateway-config x-litellm-api-base x-litellm-model x-ms-oai-image-generation-deployment x-portkey-config
x-portkey-custom-host x-portkey-forward-headers x-portkey-provider x-portkey-virtual-key x-provider x-target-url
x-unknown x-upstream-url
"""


def _make_head(*headers: tuple[str, bytes]) -> RequestHead:
    scope: dict[str, Any] = {
        "headers": [(name.encode(), value) for name, value in headers],
        "method": "POST",
        "path": "/api/ai/openai/v1/models",
        "query_string": b"",
    }
    return read_head(scope, 1)


def _credential(name: str = "openai", base_url: str = "https://api.openai.com", secret: str = SECRET) -> Credential:
    return Credential(get_provider(name), base_url, "stored", False, secret, 1)


@pytest.mark.parametrize("name", PASS.split())
def test_what_decides_who_pays_or_how_passes(name: str) -> None:
    """Headers that the SDKs and the providers' docs name."""
    assert not is_denied(name)
    assert dict(to_provider(_make_head((name, b"a value")), _credential()))[name] == "a value"


@pytest.mark.parametrize("name", STAY.split())
def test_what_is_dangerous_stays(name: str) -> None:
    """Credentials, addresses, what browsers and proxies add, and what makes it another request."""
    sent = to_provider(_make_head((name, b"a value")), _credential())
    assert "a value" not in dict(sent).values()
    assert [value for found, value in sent if found == "authorization"] == [f"Bearer {SECRET}"]


@pytest.mark.parametrize("name", TARGETS.split())
@pytest.mark.parametrize("provider", ["openai", "openai_compatible"])
def test_no_caller_chooses_where_a_gateway_sends_the_key(name: str, provider: str) -> None:
    """Portkey calls the host in ``x-portkey-custom-host`` with the stored key, and others have such headers too."""
    sent = to_provider(_make_head((name, b"http://evil.example")), _credential(provider, "https://gateway.example"))
    assert "http://evil.example" not in dict(sent).values()
    assert f"Bearer {SECRET}" in dict(sent).values()


def test_the_operator_adds_headers_but_no_credentials() -> None:
    """For one provider, any name that is no credential, address or part of the connection."""
    head = _make_head(("x-portkey-trace-id", b"a"), ("x-other", b"b"), ("cookie", b"c"), ("authorization", b"d"))
    added = frozenset(("x-portkey-trace-id", "cookie", "authorization"))
    sent = dict(to_provider(head, _credential(), added))
    assert sent["x-portkey-trace-id"] == "a"
    assert not {"x-other", "cookie"} & sent.keys()
    assert sent["authorization"] == f"Bearer {SECRET}"
    assert "x-portkey-trace-id" not in dict(to_provider(head, _credential()))


@pytest.mark.parametrize("name", list(providers()))
def test_the_key_is_sent_once_whatever_the_caller_sends(name: str) -> None:
    """Also where there is no key: then none of the caller's takes its place."""
    provider = get_provider(name)
    attempt = _make_head((provider.key_header, b"mine"), ("authorization", b"Bearer mine"), ("x-api-key", b"mine"))
    for secret in (SECRET, ""):
        sent = to_provider(attempt, _credential(name, "https://a.example", secret))
        keys = [value for found, value in sent if found == provider.key_header]
        assert keys == ([provider.key_prefix + SECRET] if secret else [])
        assert not any("mine" in value for _, value in sent)


def test_lines_of_a_header_stay_lines_in_order() -> None:
    """As for several beta features."""
    sent = _make_head(("anthropic-beta", b"a"), ("x-title", b"t"), ("anthropic-beta", b"b,c"), ("anthropic-beta", b"a"))
    passed = to_provider(sent, _credential("anthropic", "https://api.anthropic.com"))
    assert [value for name, value in passed if name == "anthropic-beta"] == ["a", "b,c", "a"]


def test_what_connection_names_goes_no_further() -> None:
    """Even if it may pass otherwise (RFC 9110 §7.6.1), and never the key."""
    sent = _make_head(("connection", b"keep-alive, Accept, Authorization"), ("accept", b"x/y"), ("openai-beta", b"a"))
    passed = dict(to_provider(sent, _credential()))
    assert "accept" not in passed
    assert passed["openai-beta"] == "a"
    assert passed["authorization"] == f"Bearer {SECRET}"


def test_a_default_header_gives_way_to_the_callers() -> None:
    """Anthropic's version: ours where the caller names none."""
    anthropic = _credential("anthropic", "https://api.anthropic.com")
    assert dict(to_provider(_make_head(), anthropic))["anthropic-version"] == "2023-06-01"
    sent = to_provider(_make_head(("anthropic-version", b"2099-01-01")), anthropic)
    assert [value for name, value in sent if name == "anthropic-version"] == ["2099-01-01"]
    assert dict(sent)["user-agent"] == "ari"


def test_values_are_text() -> None:
    """UTF-8 as it is, Latin-1 as UTF-8, a tab; a value that could break lines is left out."""
    sent = _make_head(
        ("x-title", "Café".encode()),
        ("x-latin", "Café".encode("latin-1")),
        ("x-tab", b"a\tb"),
        ("x-empty", b""),
        ("x-lines", b"a\nx: b"),
        ("x-nul", b"a\x00"),
    )
    added = frozenset(("x-latin", "x-tab", "x-empty", "x-lines", "x-nul"))
    passed = dict(to_provider(sent, _credential(), added))
    assert (passed["x-title"], passed["x-latin"], passed["x-tab"], passed["x-empty"]) == ("Café", "Café", "a\tb", "")
    assert not {"x-lines", "x-nul"} & set(passed)
