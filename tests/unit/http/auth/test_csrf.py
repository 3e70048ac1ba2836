"""Which requests without a key come from ARI's own pages, and what a refusal says (security.md 27)."""

from typing import Any

import pytest

from ari.accounts.sessions import csrf_token
from ari.base.settings import Settings
from ari.http.auth.csrf import same_origin_fault, session_counts_under_api, token_fault
from ari.http.request_head import read_head

LAN, HTTPS, LOOPBACK = "http://nas.lan:3000", "https://ari.example.net", None


def _settings(public_url: str | None) -> Settings:
    return Settings(public_url=public_url, allowed_hosts=("other.lan",))


def _request(host: str, **headers: str) -> Any:
    lines = [(b"host", host.encode())]
    lines += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"headers": lines, "method": "GET", "path": "/", "raw_path": b"/", "query_string": b""}
    return read_head(scope, 1)


@pytest.mark.parametrize(
    ("public_url", "host", "origin"),
    [
        (LAN, "nas.lan:3000", "http://nas.lan:3000"),
        (LAN, "nas.lan:8080", "http://nas.lan:8080"),
        (LAN, "nas.lan", "http://nas.lan"),
        (LAN, "nas.lan:80", "http://nas.lan"),
        (LAN, "other.lan:3000", "http://other.lan:3000"),
        (LAN, "127.0.0.1:3000", "http://127.0.0.1:3000"),
        (LAN, "[::1]", "http://[::1]"),
        (HTTPS, "ari.example.net", "https://ari.example.net"),
        (HTTPS, "ari.example.net:443", "https://ari.example.net"),
        (HTTPS, "127.0.0.1:3000", "https://ari.example.net"),
        (HTTPS, "ari.example.net:8443", "https://ari.example.net:8443"),
        (HTTPS, "other.lan", "https://OTHER.lan"),
        (HTTPS, "localhost:3000", "http://localhost:3000"),
        (LOOPBACK, "localhost:3000", "http://localhost:3000"),
    ],
)
def test_our_own_origins(public_url: str | None, host: str, origin: str) -> None:
    """The public address, and the host that the browser requested, whatever a proxy did to its port."""
    assert same_origin_fault(_request(host, origin=origin), _settings(public_url)) is None


@pytest.mark.parametrize(
    ("public_url", "host", "origin", "words"),
    [
        (HTTPS, "other.lan", "http://other.lan", "opened over http, but ARI_PUBLIC_URL is https://ari.example.net"),
        (HTTPS, "ari.example.net", "http://ari.example.net", "opened over http, but ARI_PUBLIC_URL is https"),
        (HTTPS, "192.0.2.7:3000", "http://192.0.2.7:3000", "opened over http"),
        (LAN, "nas.lan", "https://nas.lan", "opened over https, but ARI_PUBLIC_URL is http://nas.lan:3000"),
        (LOOPBACK, "localhost", "https://localhost", "opened over https, but ARI_PUBLIC_URL isn't set"),
        (LAN, "nas.lan:3000", "http://nas.lan:8080", "another origin: ARI_PUBLIC_URL is http://nas.lan:3000"),
        (LAN, "nas.lan:3000", "http://evil.example", "another origin"),
        (LAN, "nas.lan:3000", "http://nas.lan.evil.example:3000", "another origin"),
        (LAN, "nas.lan:3000", "null", "hides where the request comes from"),
        (LAN, "nas.lan:3000", "", "another origin"),
    ],
)
def test_a_refusal_names_the_setting(public_url: str | None, host: str, origin: str, words: str) -> None:
    """Which address ARI has, and what to set; nothing that the caller sent."""
    fault = same_origin_fault(_request(host, origin=origin), _settings(public_url))
    assert fault is not None
    assert words in (fault.detail or "")
    assert fault.reason.status == 403
    assert "evil" not in (fault.detail or "")


@pytest.mark.parametrize(("public_url", "words"), [(HTTPS, "opened over http, but"), (LAN, "didn't send ARI's cookie")])
def test_a_browser_without_our_cookie_hears_why(public_url: str, words: str) -> None:
    """Safari keeps no Secure cookie of http://localhost: loading the page again never helps."""
    request = _request("127.0.0.1:3000", origin="http://127.0.0.1:3000")
    fault = token_fault(request, _settings(public_url), None, {"csrf": ["x"]})
    assert fault is not None
    assert words in (fault.detail or "")


def test_the_token_belongs_to_the_cookie() -> None:
    """Another or two tokens prove nothing."""
    request, settings = _request("nas.lan:3000", origin=LAN), _settings(LAN)
    good = csrf_token("secret")
    assert token_fault(request, settings, "secret", {"csrf": [good]}) is None
    for fields in ({"csrf": [good, good]}, {"csrf": ["x"]}, {}, None):
        assert token_fault(request, settings, "secret", fields) is not None


@pytest.mark.parametrize(
    ("public_url", "host", "headers", "counts"),
    [
        (LAN, "nas.lan:3000", {}, True),
        (LAN, "other.lan", {"referer": "http://other.lan/api-docs"}, True),
        (LAN, "nas.lan:3000", {"origin": LAN, "referer": f"{LAN}/api-docs"}, True),
        (LAN, "nas.lan:3000", {"referer": "http://evil.example/"}, False),
        (LAN, "nas.lan:3000", {"referer": "http://nas.lan:8080/"}, False),
        (LAN, "nas.lan:3000", {"referer": "http://[bad"}, False),
        (LAN, "nas.lan:3000", {"origin": "null"}, False),
        (LAN, "nas.lan:3000", {"origin": "http://nas.lan:8080"}, False),
        (LAN, "nas.lan:3000", {"sec_fetch_site": "same-site"}, False),
        (LAN, "nas.lan:3000", {"sec_fetch_site": "cross-site"}, False),
        (LAN, "nas.lan:3000", {"sec_fetch_site": "same-origin"}, True),
        (LAN, "127.0.0.1:3000", {}, False),
        ("http://127.0.0.5:3000", "127.0.0.5:3000", {}, False),
        ("http://ari.localhost:3000", "ari.localhost:3000", {}, False),
        (HTTPS, "ari.example.net", {}, False),
        (HTTPS, "ari.example.net", {"sec_fetch_site": "none"}, True),
        (LOOPBACK, "localhost:3000", {}, False),
    ],
)
def test_when_a_session_opens_the_api(public_url: str | None, host: str, headers: dict[str, str], counts: bool) -> None:
    """Browsers say Sec-Fetch-Site on https and loopback, so there it must be said; on plain http nobody says it."""
    assert session_counts_under_api(_request(host, **headers), _settings(public_url)) is counts
