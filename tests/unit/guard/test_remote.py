"""The remote back end in front of an instance that is limited, moved, hostile or broken.

Only an instance that is down may open a route, and only where ``on_unavailable="allow"`` says so.
"""

import asyncio
import gzip
import logging
import threading
from asyncio import Future
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from ari.base.clock import SystemClock
from ari.guard import Admission, Ari, read_request
from ari.guard.batch_items import encode_item
from ari.guard.remote import QueuedItem
from ari.guard.requirement import Requirement
from ari.http.problem import Fault
from ari.keys import token
from ari.keys.reasons import UNKNOWN
from tests.support.ports import free_port

SECRET, FOREIGN = token.mint(), "acme12345.wrong"
KEY = {"id": "key_1", "name": "orders", "scopes": ["orders:read"]}
ACCEPTED: dict[str, Any] = {"valid": True, "code": "ok", "key": KEY}
LIMIT = {"name": "default", "limit": 3, "remaining": 1, "window": "1h", "more_in_seconds": 5}


def give(verdict: dict[str, Any], **changes: Any) -> bytes:
    """The response to one item."""
    return msgspec.json.encode({"items": [{**verdict, **changes}]})


class FalseInstance:
    """Responds as a test says. ``asked`` are the bodies that it got."""

    def __init__(self) -> None:
        self.status, self.content, self.headers = 200, give(ACCEPTED), dict[str, str]()
        self.asked: list[Any] = []
        self.cookies: list[str | None] = []
        self.url = ""


@pytest.fixture(scope="module")
def shared_instance() -> Iterator[FalseInstance]:
    found = FalseInstance()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            found.cookies.append(self.headers["cookie"])
            found.asked.append(msgspec.json.decode(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(found.content)))
            self.end_headers()
            with suppress(ConnectionError):  # the guard had read enough
                self.wfile.write(found.content)

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def instance(shared_instance: FalseInstance) -> FalseInstance:
    shared_instance.status, shared_instance.content, shared_instance.headers = 200, give(ACCEPTED), {}
    shared_instance.asked.clear()
    shared_instance.cookies.clear()
    return shared_instance


async def admit(
    ari: Ari, method: str = "GET", path: str = "/orders", route: str = "/orders", secret: str = SECRET
) -> Admission:
    """The decision about a request."""
    requirement: Requirement = ari.require("orders:read")
    scope = {
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(b"x-api-key", secret.encode())],
        "client": ("203.0.113.7", 1),
    }
    return await ari.admit(read_request(scope, requirement, route, ari.clock, ari.clock.monotonic()))


def run(instance: FalseInstance, call: Callable[[Ari], Awaitable[Any]] = admit, **options: Any) -> Any:
    """What ``call`` returns for an ``Ari`` that asks the instance."""

    async def main() -> Any:
        ari = Ari.remote(instance.url, key="k", **{"timeout_seconds": 20, **options})
        try:
            return await call(ari)
        finally:
            await ari.close()

    return asyncio.run(main())


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 413, 429, 200])
def test_allow_opens_nothing_while_the_instance_responds(
    instance: FalseInstance, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A caller can bring a limit of the service about; the rest is a wrong setting: 503, and an error in the log."""
    instance.status, instance.content = status, b'{"items":[]}'
    refusal = run(instance, on_unavailable="allow").refusal
    assert (refusal.status, refusal.code) == (503, "unavailable")
    assert [record.levelno for record in caplog.records if record.name == "ari.guard"] == [logging.ERROR]


def test_no_cookie_is_kept(instance: FalseInstance) -> None:
    """A hostile instance could fill the memory with them."""
    instance.headers = {"set-cookie": "a=1; path=/"}

    async def admit_twice(ari: Ari) -> None:
        for _ in range(2):
            await admit(ari)

    run(instance, admit_twice)
    assert instance.cookies == [None, None]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_allow_opens_where_the_instance_fails(instance: FalseInstance, status: int) -> None:
    """Also a route with a second guard: what can't be verified has no scopes, and needs none."""
    instance.status, instance.content = status, b""
    admission = run(instance, on_unavailable="allow")
    assert admission.key.verified is False
    assert admission.require_more(Requirement(("orders:write",))) is None
    assert run(instance).refusal.status == 503


@pytest.mark.parametrize("status", [500, 503])
def test_allow_opens_nothing_for_texts_that_may_have_caused_the_failure(instance: FalseInstance, status: int) -> None:
    """Checking an imported key takes long, and anybody can send wrong ones until the instance refuses or is late."""
    instance.status, instance.content = status, b""
    refusal = run(instance, lambda ari: admit(ari, secret=FOREIGN), on_unavailable="allow").refusal
    assert (refusal.status, refusal.code) == (503, "unavailable")
    instance.status, instance.content = 200, give({"valid": False, "code": "unavailable"})
    assert run(instance, on_unavailable="allow").refusal.status == 503


def test_allow_opens_for_every_text_where_nothing_listens() -> None:
    """No caller can bring that about."""
    nowhere = FalseInstance()
    nowhere.url = f"http://127.0.0.1:{free_port()}"
    assert run(nowhere, lambda ari: admit(ari, secret=FOREIGN), on_unavailable="allow").key.verified is False


def test_texts_of_another_form_are_asked_about_apart(instance: FalseInstance) -> None:
    """They may take seconds, so no other key waits for them."""

    async def admit_both(ari: Ari) -> None:
        await asyncio.gather(admit(ari, secret=FOREIGN), admit(ari), admit(ari, secret=FOREIGN))

    run(instance, admit_both)
    asked = [[item["key"] for item in one["items"]] for one in instance.asked]
    assert sorted(asked) == sorted([[SECRET], [FOREIGN, FOREIGN]])


@pytest.mark.parametrize(
    "content",
    [
        give(ACCEPTED, limits=[{**LIMIT, "window": "tomorrow"}]),
        give(ACCEPTED, limits=[{**LIMIT, "window": "99999999d"}]),
        give(ACCEPTED, limits=[{**LIMIT, "name": "a\r\nset-cookie: a=b"}]),
        give(ACCEPTED, limits=[{**LIMIT, "remaining": -1}]),
        give(ACCEPTED, valid=False, code="rate_limited", exceeded='a"\r\nx: y'),
        give(ACCEPTED, valid=False, code="rate_limited", exceeded="default", retry_after_seconds=-5),
        b"[" * 100_000,
        b'{"items":[{"valid":"yes","code":"ok"}]}',
    ],
)
def test_a_hostile_verdict_is_a_503(instance: FalseInstance, content: bytes) -> None:
    """Nothing is raised, nothing opens, and no line of the instance's gets into headers."""
    instance.content = content
    refusal = run(instance, on_unavailable="allow").refusal
    assert refusal.status == 503
    assert not any(b"\n" in name + value for name, value in refusal.headers)


def test_what_an_instance_writes_adds_no_line_to_the_log(
    instance: FalseInstance, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither by the code of a problem nor by the errors of an item."""
    instance.content = give(ACCEPTED, valid=False, code="no", errors=[{"location": "a\nb", "message": "c\r\nd" * 500}])
    assert run(instance).refusal.status == 500
    instance.status, instance.content = 400, b'{"code":"a\\nroot: all is well"}'
    assert run(instance).refusal.status == 503
    found = [record.getMessage() for record in caplog.records if record.name == "ari.guard"]
    assert len(found) == 2
    assert not any("\n" in line or "\r" in line or len(line) > 1_000 for line in found)


def test_a_compressed_or_endless_response_is_not_read(instance: FalseInstance) -> None:
    """20 MB of zeros fit in 20 KB."""
    instance.headers, instance.content = {"content-encoding": "gzip"}, gzip.compress(bytes(20_000_000), 1)
    assert run(instance).refusal.status == 503
    instance.headers, instance.content = {}, give(ACCEPTED) + b" " * 20_000_000
    assert run(instance).refusal.status == 503


@pytest.mark.parametrize("method", ["FOO1", "PROP_X", "M-SEARCH", "WITHOUT A TOKEN", "", "X" * 100, "A KEY"])
def test_every_method_and_path_is_asked_about(instance: FalseInstance, method: str) -> None:
    """As a token of at most 16 characters, which the instance takes; also where there is no path."""
    method = method.replace("A KEY", SECRET)
    assert run(instance, lambda ari: admit(ari, method, path="")).key.id == "key_1"
    [[item]] = [asked["items"] for asked in instance.asked]
    assert 1 <= len(item["method"]) <= 16
    assert set(item["method"]).isdisjoint(' "(),/:;<=>?@[\\]{}\ufffd\u2026')
    assert SECRET[:12] not in item["method"]
    assert item["path"] == "/"


@contextmanager
def clock_of(ari: Ari, now_ms: int) -> Iterator[None]:
    """The back end's clock, set to a time."""
    with patch.object(ari.clock, "now_ms", lambda: now_ms):
        yield


@pytest.mark.parametrize("field", ["expires_at", "secret_retires_at"])
def test_staleness_ends_with_the_key(instance: FalseInstance, field: str) -> None:
    """An accepted key isn't accepted past its own end, or that of its secret, without asking."""
    instance.content = give(ACCEPTED, key={**KEY, field: "2027-01-31T12:00:00.000Z"})

    async def ask(ari: Ari) -> list[int]:
        asked = []
        for now_ms in (1_801_396_799_000, 1_801_396_799_500, 1_801_396_800_000):
            with clock_of(ari, now_ms):
                assert (await admit(ari)).key is not None
            asked.append(len(instance.asked))
        return asked

    assert run(instance, ask, staleness_seconds=60) == [1, 1, 2]


def test_requests_show_no_key() -> None:
    """In a traceback with locals, as error trackers send it, or a log line."""
    scope = {
        "method": "GET",
        "path": "/orders",
        "query_string": b"key=" + SECRET.encode(),
        "headers": [(b"x-api-key", SECRET.encode()), (b"cookie", b"a=" + SECRET.encode())],
    }
    request = read_request(scope, Requirement(()), None, SystemClock(), 0.0)
    item = encode_item(request, SECRET.encode())
    assert SECRET in item.decode()
    shown = [request, request.head, request.credentials, request.refuse(Fault(UNKNOWN), ""), Admission(request, "")]
    loop = asyncio.new_event_loop()
    loop.close()
    assert not any(SECRET in repr(one) for one in (*shown, QueuedItem(item, Future(loop=loop))))
