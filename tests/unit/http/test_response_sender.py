"""A response leaves only after its row is committed; where that fails, a 503 leaves in its place."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ari.base.clock import SystemClock
from ari.base.errors import LimitExceeded, Unavailable
from ari.base.served_request import ServedRequest
from ari.base.settings import load_settings
from ari.http.client_address import Client
from ari.http.context import RequestContext
from ari.http.credentials import Credentials
from ari.http.problem import Fault
from ari.http.request_head import read_head
from ari.http.response_sender import ResponseSender
from ari.http.responses import Response
from ari.http.route_table import NO_ROUTE
from ari.http.security_headers import SecurityHeaders
from ari.keys.limits.charge import Decision
from ari.keys.limits.counter import Exceeded, Remaining
from ari.keys.reasons import REQUEST_ERRORS

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
BODY = {"type": "http.response.body", "body": b"ok"}


class Record:
    """Commits, or fails to."""

    decision: Any = None
    """The decision of the commit about limits."""

    def __init__(self, sent: list[Any], fault: Exception | None) -> None:
        self._sent = sent
        self._fault = fault

    async def commit(self, status: int, length: int | None) -> None:
        self._sent.append(("commit", status, length))
        if self._fault is not None:
            raise self._fault


class Services:
    """The parts that the sender needs."""

    def __init__(self, data_dir: Path) -> None:
        self.settings = load_settings(data_dir=data_dir)
        self.clock = SystemClock()
        self.security_headers = SecurityHeaders(self.settings)


@pytest.fixture
def services(data_dir: Path) -> Any:
    return Services(data_dir)


def sender_with(
    services: Any, sent: list[Any], *, method: str = "GET", fault: Exception | None = None, decision: Any = None
) -> Any:
    scope = {"method": method, "path": "/api/x", "raw_path": b"/api/x", "query_string": b"", "headers": []}

    async def send(message: Any) -> None:
        sent.append(message)

    nothing: Any = None
    record: Any = Record(sent, fault)
    record.decision = decision
    context = RequestContext(
        nothing,
        read_head(scope, 1_000),
        Client(None, None),
        NO_ROUTE,
        Credentials((), duplicated=False),
        [],
        record,
        nothing,
        None,
        send,
        ServedRequest("req_1"),
    )
    return ResponseSender(context, services, send)


def statuses(sent: list[Any]) -> list[Any]:
    return [one if isinstance(one, tuple) else one.get("status", one.get("body")) for one in sent]


def test_the_commit_comes_before_the_response(services: Any) -> None:
    """Whole or in parts."""
    sent: list[Any] = []
    asyncio.run(sender_with(services, sent).respond(Response(200, [], b"ok")))
    assert statuses(sent) == [("commit", 200, 2), 200, b"ok"]

    async def stream(sender: Any) -> None:
        await sender(START)
        await sender(BODY)

    parts: list[Any] = []
    asyncio.run(stream(sender_with(services, parts)))
    assert statuses(parts) == [("commit", 200, 2), 200, b"ok"]


def test_a_failed_commit_is_503_and_nothing_of_the_response_leaves(services: Any) -> None:
    """Never a 200 that the log does not know."""

    async def stream(sender: Any) -> None:
        await sender(START)
        await sender(BODY)

    sent: list[Any] = []
    asyncio.run(stream(sender_with(services, sent, fault=Unavailable("no"))))
    assert [one["status"] for one in sent[1:] if "status" in one] == [503]
    assert b'"code":"unavailable"' in sent[-1]["body"]
    assert BODY not in sent
    whole: list[Any] = []
    asyncio.run(sender_with(services, whole, fault=Unavailable("no")).respond(Response(200, [], b"ok")))
    assert [one["status"] for one in whole[1:] if "status" in one] == [503]


def test_head_has_no_body(services: Any) -> None:
    """RFC 9110 §9.3.2: the same head."""
    sent: list[Any] = []
    asyncio.run(sender_with(services, sent, method="HEAD").respond(Response(200, [], b"ok")))
    assert statuses(sent) == [("commit", 200, 2), 200, b""]


def test_a_fault_after_the_response_began_sends_nothing(services: Any) -> None:
    """A second head would be taken for a body."""

    async def run(sender: Any) -> None:
        await sender(START)
        await sender.respond_to_fault(Fault(REQUEST_ERRORS["internal"]))

    sent: list[Any] = []
    asyncio.run(run(sender_with(services, sent)))
    assert statuses(sent) == [("commit", 200, 2), 200]


def test_a_refusal_by_a_limit_takes_the_place_of_the_response(services: Any) -> None:
    """Whole or in parts, with the limits in its headers; nothing of the response leaves."""
    decision = Decision(Exceeded("default", "rate_limited", 500), {}, [Remaining("default", 0, 5, 1_000, 500)])
    for in_parts in (False, True):
        sent: list[Any] = []
        fault = LimitExceeded("rate_limited", "default", 1)
        sender = sender_with(services, sent, fault=fault, decision=decision)

        async def run(sender: Any = sender, *, in_parts: bool = in_parts) -> None:
            if in_parts:
                await sender(START)
                await sender(BODY)
            else:
                await sender.respond(Response(200, [], b"ok"))

        asyncio.run(run())
        [start, body] = sent[1:]
        headers = dict(start["headers"])
        assert start["status"] == 429
        assert headers[b"ratelimit"] == b'"default";r=0;t=1'
        assert headers[b"retry-after"] == b"1"
        assert b'"limit":"default"' in body["body"]
