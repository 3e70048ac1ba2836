"""Both clients send the same requests; connections are shared, closed, and never shared with a forked process."""

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from ari.client.async_calls import AsyncCalls, AsyncConnections
from ari.client.connection_settings import ConnectionSettings
from ari.client.exceptions import ConnectionFailed, InvalidSettings, UnexpectedResponse
from ari.client.exchange import MAX_RESPONSE_BYTES
from ari.client.generated.async_resources import AsyncResources
from ari.client.generated.sync_calls import Calls, Connections
from ari.client.generated.sync_resources import Resources
from tests.support.client_driver import ClientDriver, connect_client

KEY = "ari_k_secret"
Respond = Callable[[httpx2.Request], httpx2.Response]
HEALTH = {"status": "ok"}


class Stand:
    """A client whose requests are responded to in this process; ``pauses`` are what it would have waited."""

    def __init__(self, kind: str, respond: Respond, retries: int = 2) -> None:
        self.requests: list[httpx2.Request] = []
        self.pauses: list[float] = []
        self._respond = respond
        settings = ConnectionSettings("https://keys.example.net/ari", KEY, 10, retries)
        transport = httpx2.MockTransport(self._remember)
        self.connections: Any
        if kind == "async":
            self.connections = AsyncConnections(settings, transport)
            self.run = ClientDriver(AsyncResources(AsyncCalls(settings, self.connections, self._wait)), is_async=True)
        else:
            self.connections = Connections(settings, transport)
            self.run = ClientDriver(Resources(Calls(settings, self.connections, self.pauses.append)), is_async=False)

    def close(self) -> None:
        self.run(lambda _: self.connections.close())
        self.run.close_loop()

    def _remember(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self._respond(request)

    async def _wait(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture(params=["sync", "async"])
def stand(request: pytest.FixtureRequest) -> Iterator[Callable[..., Stand]]:
    """Makes clients of either kind."""
    made: list[Stand] = []

    def make(respond: Respond, **options: Any) -> Stand:
        made.append(Stand(request.param, respond, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def _respond_well(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, json=HEALTH)


def test_a_request_has_the_key_and_its_path(stand: Callable[..., Stand]) -> None:
    """In a header, under the path of ``base_url``, and never in the URL."""
    made = stand(_respond_well)
    assert made.run(lambda ari: ari.health.check()).status == "ok"
    [request] = made.requests
    assert str(request.url) == "https://keys.example.net/ari/api/health"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["user-agent"].startswith("ari-client/")
    assert KEY not in repr(request.headers)


def test_no_cookie_is_kept(stand: Callable[..., Stand]) -> None:
    """A hostile instance could fill the memory with them."""
    made = stand(lambda _: httpx2.Response(200, json=HEALTH, headers={"set-cookie": "a=1; path=/"}))
    for _ in range(2):
        made.run(lambda ari: ari.health.check())
    assert "cookie" not in made.requests[-1].headers
    assert len(made.connections.open().cookies) == 0


def test_creates_are_repeated_with_one_idempotency_key(stand: Callable[..., Stand]) -> None:
    """So that a lost response makes no second key."""
    made = stand(lambda _: httpx2.Response(503))
    with pytest.raises(Exception, match="Service Unavailable"):
        made.run(lambda ari: ari.keys.create("a"))
    assert len(made.requests) == 3
    assert len({request.headers["idempotency-key"] for request in made.requests}) == 1
    assert len(made.pauses) == 2


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_options_for_some_calls(kind: str) -> None:
    """The same connections with other patience."""
    requests: list[httpx2.Request] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        return httpx2.Response(503)

    run = connect_client(kind, "https://h", key=KEY, transport=httpx2.MockTransport(respond))
    hasty = run.client.with_options(retries=0, timeout_seconds=3)
    with pytest.raises(Exception, match="Service Unavailable"):
        run(lambda _: hasty.health.check())
    assert [request.extensions["timeout"]["read"] for request in requests] == [3]
    assert type(hasty) is type(run.client)
    run.close()


@pytest.mark.parametrize("error", [httpx2.ReadError, httpx2.RemoteProtocolError, httpx2.ReadTimeout, httpx2.ProxyError])
def test_no_error_of_the_http_library_comes_through(stand: Callable[..., Stand], error: type[Exception]) -> None:
    """Callers catch one kind, whose message and attributes don't hold the request."""

    def fail(request: httpx2.Request) -> httpx2.Response:
        raise error("broken\x1b[31m.")

    made = stand(fail, retries=0)
    with pytest.raises(ConnectionFailed) as raised:
        made.run(lambda ari: ari.me.get())
    assert raised.value.__cause__ is None
    assert KEY not in f"{vars(raised.value)}{raised.value}"
    assert ".." not in str(raised.value)
    assert str(raised.value).isprintable()


def test_an_endless_body_is_not_collected(stand: Callable[..., Stand]) -> None:
    """The client's memory is bounded."""
    body = b" " * (MAX_RESPONSE_BYTES + 1)
    made = stand(lambda _: httpx2.Response(200, content=body, headers={"content-type": "application/json"}))
    with pytest.raises(UnexpectedResponse, match="larger"):
        made.run(lambda ari: ari.me.get())


def test_a_body_that_cannot_be_decompressed(stand: Callable[..., Stand]) -> None:
    """A proxy may compress although nobody asked."""
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    made = stand(lambda _: httpx2.Response(200, stream=httpx2.ByteStream(b"not gzip"), headers=headers))
    with pytest.raises(UnexpectedResponse, match="decompressed"):
        made.run(lambda ari: ari.me.get())


def test_a_list_without_end(stand: Callable[..., Stand]) -> None:
    """The same cursor again is an error, after the items so far."""
    page: dict[str, Any] = {"items": [], "next_cursor": "a", "total": None, "complete_until": None}
    made = stand(lambda _: httpx2.Response(200, json=page))
    with pytest.raises(UnexpectedResponse, match="same page"):
        made.run(lambda ari: ari.keys.list())
    assert len(made.requests) == 2


def test_an_export_that_is_refused(stand: Callable[..., Stand]) -> None:
    """Before the first byte: as any other response, with retries."""
    problem = {"content-type": "application/problem+json"}
    replies = [
        httpx2.Response(503, json={"code": "unavailable"}, headers=problem),
        httpx2.Response(200, content=b"id\r\n1\r\n", headers={"content-type": "text/csv"}),
    ]
    made = stand(lambda _: replies.pop(0))
    assert made.run(lambda ari: ari.usage.export().lines()) == ["id", "1"]
    assert len(made.pauses) == 1


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_closed_client_sends_nothing(kind: str) -> None:
    """And says so."""
    run = connect_client(kind, "https://h", key=KEY, transport=httpx2.MockTransport(_respond_well))
    assert run(lambda ari: ari.health.check()).status == "ok"
    run(lambda ari: ari.close())
    with pytest.raises(InvalidSettings, match="closed"):
        run(lambda ari: ari.health.check())
    run.close()


@pytest.mark.parametrize("kind", [Connections, AsyncConnections])
def test_a_forked_process_has_its_own_connections(kind: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes on one connection would read each other's verdicts."""
    connections = kind(ConnectionSettings("https://h", KEY, 10, 0), None)
    mine = connections.open()
    assert connections.open() is mine
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert connections.open() is not mine


def test_a_transport_is_not_shared_with_a_forked_process(
    stand: Callable[..., Stand], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client can't make another one."""
    connections = stand(_respond_well).connections
    connections.open()
    with monkeypatch.context() as forked:
        forked.setattr(os, "getpid", lambda: -1)
        with pytest.raises(InvalidSettings, match="forked"):
            connections.open()


def test_threads_share_one_pool(stand: Callable[..., Stand]) -> None:
    """However many begin at once."""
    connections = stand(_respond_well).connections
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(connections.open())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
