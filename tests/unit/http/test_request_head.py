"""The head of a request: what is refused before anybody is asked who they are."""

from typing import Any

import pytest

from ari.http.request_head import head_fault, host_fault, keys_in_url, read_head
from ari.keys import token


def _head(raw_path: bytes = b"/api/me", query: bytes = b"", headers: list[tuple[bytes, bytes]] | None = None) -> Any:
    scope = {
        "headers": headers or [],
        "method": "GET",
        "path": raw_path.decode("latin-1"),
        "raw_path": raw_path,
        "query_string": query,
    }
    return read_head(scope, 1)


@pytest.mark.parametrize(
    "path",
    [b"//api", b"/api//me", b"/api/./me", b"/api/../me", b"/..", b"/api\\me", b"/api%2fme", b"/api%5Cme", b"/a%00"]
    + [b"/api/ai%2fopenai/v1/models", b"/api%2fai/openai/v1/models", b"/api/aix/%2f", b"/a/%2e%2E/b", b"/.%2e", b"/%2e"]
    + [
        b"/api/ai/openai/v1/" + part
        for part in (b"%5c", b"%00", b"%0a", b"%1F", b"%7f", b"%c2%85", b"%2F%C2%9f", b"//", b"%2e%2e/x")
    ],
)
def test_paths_that_proxies_read_differently_are_refused(path: bytes) -> None:
    """One path, one meaning (security.md 1)."""
    fault = head_fault(_head(path))
    assert fault is not None
    assert fault.reason.status == 400


@pytest.mark.parametrize(
    "path",
    [
        b"/",
        b"/api/me",
        b"/api/keys/key_1.x",
        b"/a...b",
        b"/a%2eb",
        b"/api/ai/openai/v1/models/a%2Fb",
        b"/api/%F0%9F%98%80",
        b"/.well-known",
    ],
)
def test_ordinary_paths_pass(path: bytes) -> None:
    """Dots and escapes inside a segment are ordinary."""
    assert head_fault(_head(path)) is None


@pytest.mark.parametrize(
    "name", [b"x-api-key", b"authorization", b"content-type", b"origin", b"content-length", b"x-request-id"]
)
def test_headers_that_must_be_alone(name: bytes) -> None:
    """A header that decides something may not come twice."""
    fault = head_fault(_head(headers=[(name, b"1"), (name, b"1")]))
    assert fault is not None
    assert fault.reason.code == "invalid_request"


def test_a_huge_head_is_refused() -> None:
    """32 KiB at most."""
    fault = head_fault(_head(headers=[(b"x-a", b"a" * 40_000)]))
    assert fault is not None
    assert fault.reason.status == 413


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"ari.example.net", None),
        (b"ARI.example.net:443", None),
        (b"[::1]:3000", None),
        (b"evil.example", 421),
        (b"", 400),
        (b"a b", 400),
        (b"ari.example.net@evil", 400),
    ],
)
def test_other_hosts_are_refused(host: bytes, status: int | None) -> None:
    """Another name is not ours (DNS rebinding)."""
    fault = host_fault(
        _head(headers=[(b"host", host)]), frozenset({"ari.example.net", "[::1]"}), "https://ari.example.net"
    )
    assert (fault.reason.status if fault else None) == status


def test_two_hosts_or_none_are_refused() -> None:
    """Exactly one Host."""
    for headers in ([], [(b"host", b"a"), (b"host", b"a")]):
        fault = host_fault(_head(headers=headers), frozenset({"a"}), "http://a")
        assert fault is not None
        assert fault.reason.status == 400


def test_keys_are_found_anywhere_in_a_url() -> None:
    """Plain or percent-encoded, in path or query."""
    minted = token.mint().encode()
    encoded = b"".join(b"%%%02x" % byte for byte in minted)
    assert keys_in_url(_head(b"/api/" + minted)) == [minted]
    assert keys_in_url(_head(query=b"key=" + minted)) == [minted]
    assert keys_in_url(_head(query=b"key=" + encoded)) == [minted]
    assert keys_in_url(_head(query=b"key=ari_k_short")) == []


def test_a_key_of_another_kind_in_a_url_is_found() -> None:
    """By its checksum, percent-encoded or not, next to one of the default kind."""
    other, plain = token.mint("acme_live_").encode(), token.mint().encode()
    assert keys_in_url(_head(query=b"k=" + other)) == [other]
    assert keys_in_url(_head(query=b"k=" + other.replace(b"_", b"%5F"))) == [other]
    assert keys_in_url(_head(b"/" + plain, b"k=" + other)) == [plain, other]
    assert keys_in_url(_head(query=b"acme_live_" + b"0" * 49)) == []
