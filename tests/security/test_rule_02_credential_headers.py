"""security.md 2: one credential, one line; and how the server treats ambiguous framing."""

from typing import Any

import pytest

from tests.support import raw


@pytest.fixture
def secrets(shared_owner: Any) -> tuple[bytes, bytes]:
    return shared_owner.create_key("a")[1].encode(), shared_owner.create_key("b")[1].encode()


def test_contradictions_are_400(shared_owner: Any, secrets: tuple[bytes, bytes]) -> None:
    """Doubled headers, commas, two different keys: never a guess which is meant."""
    one, two = secrets
    for headers in (
        (b"x-api-key: " + one, b"x-api-key: " + one),
        (b"x-api-key: " + one + b"," + two,),
        (b"x-api-key: " + one, b"authorization: Bearer " + two),
        (b"authorization: Bearer " + one, b"authorization: Bearer " + one),
    ):
        assert raw.get(shared_owner.server.port, b"/api/me", *headers).status == 400, headers


def test_the_same_key_in_both_headers_is_fine(shared_owner: Any, secrets: tuple[bytes, bytes]) -> None:
    """And other schemes of Authorization are ignored."""
    one, _ = secrets
    port = shared_owner.server.port
    assert raw.get(port, b"/api/me", b"x-api-key: " + one, b"authorization: Bearer " + one).status == 200
    assert raw.get(port, b"/api/me", b"x-api-key: " + one, b"authorization: Basic YTpi").status == 200
    assert raw.get(port, b"/api/me", b"authorization: bearer " + one).status == 200


@pytest.mark.parametrize(
    "line",
    [b"authorization: %s", b"authorization: ApiKey %s", b"authorization: apikey  %s", b"x-api-key: Bearer %s"],
)
def test_unambiguous_spellings_are_accepted(shared_owner: Any, secrets: tuple[bytes, bytes], line: bytes) -> None:
    """Our own challenge offers ApiKey; a key without a scheme, or a scheme in x-api-key, is no other key."""
    assert raw.get(shared_owner.server.port, b"/api/me", line % secrets[0]).status == 200


def test_other_mistakes_are_named(shared_owner: Any, secrets: tuple[bytes, bytes]) -> None:
    """In the problem's detail, without a word of what was sent."""
    for line, words in (
        (b"authorization: Token " + secrets[0], b"scheme that ARI does not read"),
        (b'x-api-key: "' + secrets[0] + b'"', b"quotes"),
    ):
        answer = raw.get(shared_owner.server.port, b"/api/me", line)
        assert answer.status == 401
        assert words in answer.body
        assert secrets[0][:12] not in answer.body


def test_underscore_names_are_ignored(shared_owner: Any, secrets: tuple[bytes, bytes]) -> None:
    """Some proxies turn them into the real name."""
    answer = raw.get(shared_owner.server.port, b"/api/me", b"x_api_key: " + secrets[0])
    assert answer.status == 401
    assert b'"missing"' in answer.body


@pytest.mark.parametrize("name", [b"content-type", b"origin"])
def test_doubled_deciding_headers_are_400(shared_owner: Any, secrets: tuple[bytes, bytes], name: bytes) -> None:
    """Two Content-Type or two Origin."""
    lines = (b"x-api-key: " + secrets[0], name + b": a", name + b": a")
    assert raw.get(shared_owner.server.port, b"/api/me", *lines).status == 400


def test_ambiguous_framing_is_refused_by_the_server(shared_owner: Any, secrets: tuple[bytes, bytes]) -> None:
    """Pins what the HTTP server does: Content-Length with Transfer-Encoding, folded lines, bare CR."""
    port, host = shared_owner.server.port, b"host: 127.0.0.1:%d\r\n" % shared_owner.server.port
    key = b"x-api-key: " + secrets[0] + b"\r\n"
    smuggle = (
        b"POST /api/keys HTTP/1.1\r\n"
        + host
        + key
        + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    answer = raw.send(port, smuggle)
    assert answer is None or answer.status >= 400
    folded = b"GET /api/me HTTP/1.1\r\n" + host + b"x-api-key:\r\n " + secrets[0] + b"\r\n\r\n"
    answer = raw.send(port, folded)
    assert answer is None or answer.status in (400, 401)
    bare = b"GET /api/me HTTP/1.1\r\n" + host + b"x-a: b\rx-api-key: " + secrets[0] + b"\r\n\r\n"
    answer = raw.send(port, bare)
    assert answer is None or answer.status in (400, 401)
