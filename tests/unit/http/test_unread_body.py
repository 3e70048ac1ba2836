"""A body that the response does not depend on is read first, within limits (RFC 9112 §9.6)."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from ari.http import unread_body
from ari.http.request_head import read_head
from ari.http.unread_body import UnreadBody, announces_body, read_length
from tests.support import asgi


class Client:
    """Sends these pieces of a body, then nothing more."""

    def __init__(self, *pieces: bytes, ends: bool = True) -> None:
        self.pieces = list(pieces)
        self.ends = ends

    async def __call__(self) -> MutableMapping[str, Any]:
        if not self.pieces:
            raise ConnectionError("the client is gone")
        piece = self.pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(self.pieces) or not self.ends}


@pytest.mark.parametrize(
    ("headers", "announces"),
    [
        ([], False),
        ([(b"content-length", b"0")], False),
        ([(b"content-length", b"5")], True),
        ([(b"transfer-encoding", b"chunked")], True),
        ([(b"content-length", b"5"), (b"expect", b"100-continue")], False),
        ([(b"transfer-encoding", b"chunked"), (b"expect", b"100-continue")], False),
    ],
)
def test_whether_a_body_follows(headers: list[tuple[bytes, bytes]], announces: bool) -> None:
    """A client that waits for 100 sends none after a response, and waiting for it would hold the response up."""
    assert announces_body(read_head(asgi.scope_of("POST", b"/", headers), 1)) is announces


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ([(b"content-length", b"5")], 5),
        ([(b"content-length", b"5"), (b"transfer-encoding", b"chunked")], None),
        ([(b"content-length", b"5"), (b"content-length", b"5")], None),
        ([(b"content-length", b"+5")], None),
        ([(b"content-length", b"9" * 13)], None),
        ([(b"transfer-encoding", b"chunked")], None),
    ],
)
def test_only_a_length_without_doubt_ends_a_body(headers: list[tuple[bytes, bytes]], length: int | None) -> None:
    """If the HTTP server reads chunks, or refuses the length, a body that ends there would be cut."""
    assert read_length(read_head(asgi.scope_of("POST", b"/", headers), 1)) == length


def test_the_piece_that_completes_the_length_is_the_last() -> None:
    """Asking once more for the end would take another change of threads."""
    client = Client(b"ab", b"cd", b"")

    async def read() -> list[bool]:
        body = UnreadBody(client, 4)
        return [(await body())["more_body"], (await body())["more_body"], body.is_read]

    assert asyncio.run(read()) == [True, False, True]
    assert client.pieces == [b""]


def test_the_rest_is_read_to_its_end() -> None:
    """Closing the connection then resets nothing, and the client gets its response."""
    client = Client(b"a", b"b", b"c")
    body = UnreadBody(client)
    asyncio.run(body.drain())
    assert body.is_read
    assert client.pieces == []


def test_a_client_that_left_is_not_waited_for() -> None:
    """The response is decided; its error changes nothing."""
    body = UnreadBody(Client(b"a", ends=False))
    asyncio.run(body.drain())
    assert body.is_read


def test_an_endless_body_is_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """security.md 23: a client that never stops sending must not keep a worker busy."""
    monkeypatch.setattr(unread_body, "MAX_DRAINED_BYTES", 4)
    client = Client(*[b"xx"] * 10)
    asyncio.run(UnreadBody(client).drain())
    assert len(client.pieces) == 8


def test_a_body_that_a_handler_streams_is_left_to_it() -> None:
    """Bytes that were dropped here would be missing at the provider."""
    client = Client(b"a", b"b")
    body = UnreadBody(client)
    body.is_taken = True
    asyncio.run(body.drain())
    assert client.pieces == [b"a", b"b"]
