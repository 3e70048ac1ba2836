"""Providers whose responses end carelessly: each caller gets its own, metered and logged.

Protects promise 2, and that a response of one caller never reaches another.
"""

import itertools
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.gateway import PROVIDER_KEY, AiGateway
from tests.support.processes import eventually

PATH = "/api/ai/openai_compatible/v1/chat/completions"
TYPE = "content-type: application/json"
NOBODY_ASKED = b'HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{"not":"yours"}'
EMPTY_LINE = "an empty line too many"


def _chat(number: int) -> bytes:
    """The response to the ``number``-th request, with a use of its own."""
    use = {"prompt_tokens": 100 + number, "completion_tokens": 10 + number, "total_tokens": 110 + 2 * number}
    said = {"role": "assistant", "content": f"response {number}"}
    return json.dumps({"model": "m", "choices": [{"index": 0, "message": said}], "usage": use}).encode()


def _send_chunks(body: bytes, end: bytes, extension: bytes = b"") -> bytes:
    head = f"HTTP/1.1 200 OK\r\n{TYPE}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    return head + b"%x%s\r\n%s\r\n%s" % (len(body), extension, body, end)


def _with_length(body: bytes, after: bytes) -> bytes:
    return f"HTTP/1.1 200 OK\r\n{TYPE}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body + after


RESPONSES = {
    "trailers": lambda body: _send_chunks(body, b"0\r\nx-checksum: 1\r\nx-other: 2\r\n\r\n"),
    "an extension": lambda body: _send_chunks(body, b"0;last=yes\r\n\r\n", b";name=value"),
    "spaces after a size": lambda body: _send_chunks(body, b"0  \r\n\r\n", b"  "),
    EMPTY_LINE: lambda body: _with_length(body, b"\r\n"),
    "nothing careless": lambda body: _with_length(body, b""),
}


class _Provider:
    """``connections`` counts those that carried a request; the ``n``-th request gets the response number ``n``."""

    def __init__(self, kind: str, after: bytes) -> None:
        self.kind = kind
        self.after = after
        self.connections = 0
        self.numbers = itertools.count(1)
        self.is_idle = threading.Event()
        """What comes after the first response may be sent."""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.links: list[socket.socket] = []

    def run(self) -> None:
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            link.settimeout(30)
            self.links.append(link)
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        is_new = True
        with link:
            while self._read_request(link):
                self.connections += is_new
                is_new = False
                number = next(self.numbers)
                link.sendall(RESPONSES[self.kind](_chat(number)))
                if number == 1 and self.after:
                    self.is_idle.wait(20)
                    link.sendall(self.after)
                    return

    def _read_request(self, link: socket.socket) -> bool:
        received = b""
        try:
            while b"\r\n\r\n" not in received:
                part = link.recv(1)
                if not part:
                    return False
                received += part
            lines = received.lower().split(b"\r\n")
            size = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))
            while size:
                size -= len(link.recv(size))
        except OSError:
            return False
        return True


@contextmanager
def _provider(ai: AiGateway, kind: str, after: bytes = b"") -> Iterator[_Provider]:
    """The gateway's provider, with responses of a ``kind``; ``after`` comes on the idle connection of the first one."""
    provider = _Provider(kind, after)
    thread = threading.Thread(target=provider.run, daemon=True)
    thread.start()
    admin = ai.owner.api(ai.reader)
    named = {"base_url": f"http://127.0.0.1:{provider.listener.getsockname()[1]}", "key": PROVIDER_KEY}
    admin.put("/api/integrations/openai_compatible", json=named).raise_for_status()
    try:
        yield provider
    finally:
        provider.listener.shutdown(socket.SHUT_RDWR)
        provider.listener.close()
        for link in provider.links:
            link.close()
        thread.join(20)
        admin.delete("/api/integrations/openai_compatible")


def _check_response(ai: AiGateway, number: int) -> None:
    """The next response is the ``number``-th: what the caller sees, what the log says, what was metered."""
    with ai.client() as caller:
        response = caller.post(PATH, json={"model": "m", "messages": [{"role": "user", "content": "Hi"}]})
    assert (response.status_code, response.content) == (200, _chat(number))
    row = ai.read_usage(response.headers["x-request-id"])
    assert row["status"] == 200
    assert (row["ai"]["input_tokens"], row["ai"]["output_tokens"]) == (100 + number, 10 + number)


@pytest.mark.parametrize("kind", RESPONSES)
def test_a_careless_end_changes_no_response(ai: AiGateway, kind: str) -> None:
    """It costs no connection either, but after an empty line too many."""
    with _provider(ai, kind) as provider:
        for number in range(1, 6):
            _check_response(ai, number)
        assert provider.connections == (5 if kind == EMPTY_LINE else 1)


@pytest.mark.parametrize(
    "after",
    [
        b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        NOBODY_ASKED,
    ],
    ids=["408", "a response that nobody asked for"],
)
def test_what_comes_on_an_idle_connection_reaches_nobody(ai: AiGateway, after: bytes) -> None:
    """The next caller gets its own response, on another connection."""
    with _provider(ai, "nothing careless", after) as provider:
        _check_response(ai, 1)
        provider.is_idle.set()
        eventually(lambda: provider.links[0].fileno() == -1)
        for number in (2, 3, 4):
            _check_response(ai, number)
        assert provider.connections >= 2
