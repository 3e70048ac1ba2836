"""The middleware fails closed: whatever an app makes of a refusal, its caller gets a refusal, and the log has it."""

import asyncio
import gc
from typing import Any, Literal

import pytest

from ari.base.errors import ConfigurationError
from ari.guard import Ari
from ari.guard.asgi import ApiKeys, App, Guarded, KeyRefused, Message, Receive, Scope, Send, find_guarded
from ari.guard.refusal import Refusal
from ari.guard.testing import FakeKeys, fake_keys

Errors = Literal["problem", "app"]


class RefusedHere(KeyRefused):
    """As a framework's module has it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__()
        self.refusal = refusal


def make_app(ari: Ari, swallows: int | None = None, fails: bool = False) -> App:
    """An app with one guarded route; ``swallows`` is its response to a refusal."""
    requirement = ari.require("orders:read")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        admission = await find_guarded(scope, ari).authorize(requirement, "/orders")
        status = 200
        if admission.refusal is not None:
            if swallows is None:
                raise RefusedHere(admission.refusal)
            status = swallows
        if fails:
            raise ValueError("the handler fails")
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    return app


def request(app: App, secret: str | None = None, method: str = "GET", **more: Any) -> list[Message]:
    """The messages that the server gets from the app."""
    scope = {
        "type": "http",
        "method": method,
        "path": "/orders",
        "query_string": b"",
        "headers": [] if secret is None else [(b"x-api-key", secret.encode())],
        "client": ("203.0.113.7", 1),
        **more,
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]  # an app returns a coroutine
    return sent


@pytest.fixture
def ari() -> Ari:
    return Ari.local("/nowhere")


def guard(ari: Ari, errors: Errors = "problem", **options: Any) -> App:
    """The app behind the middleware."""
    return ApiKeys(make_app(ari, **options), ari=ari, errors=errors)


def list_calls(keys: FakeKeys) -> list[tuple[int, str]]:
    """Status and code of each logged request."""
    return [(call.status, call.code) for call in keys.requests]


def test_a_request_leaves_no_reference_cycle(ari: Ari) -> None:
    """Otherwise it stays in memory until a collection, whose time the app pays."""
    app = guard(ari)
    with fake_keys(ari) as keys:
        secrets = [keys.create("orders:read"), keys.create("orders:write"), None]
        gc.collect()
        gc.disable()
        try:
            for secret in secrets:
                request(app, secret)
            left = [one for one in gc.get_objects() if type(one) is Guarded]
        finally:
            gc.enable()
    assert left == []


def test_a_refusal_that_the_app_swallows_is_sent_all_the_same(ari: Ari) -> None:
    """Also as a status that looks like success, and where the app writes its errors itself."""
    with fake_keys(ari) as keys:
        for app in (guard(ari), guard(ari, swallows=200), guard(ari, swallows=418), guard(ari, "app", swallows=200)):
            start, body = request(app)
            assert (start["status"], dict(start["headers"])[b"content-type"]) == (401, b"application/problem+json")
            assert b'"code":"missing"' in body["body"]
        assert list_calls(keys) == [(401, "missing")] * 4


def test_the_app_may_write_its_refusals(ari: Ari) -> None:
    """With the status that it chose in the log."""
    with fake_keys(ari) as keys:
        start, body = request(guard(ari, "app", swallows=418))
        assert (start["status"], body["body"]) == (418, b"ok")
        assert list_calls(keys) == [(418, "missing")]
    with pytest.raises(ConfigurationError):
        guard(ari, "json")  # type: ignore[arg-type]  # a slip


def test_an_admitted_response_passes(ari: Ari) -> None:
    """No shared cache may keep it, whatever the app says."""
    with fake_keys(ari) as keys:
        start, body = request(guard(ari), keys.create("orders:read"))
        assert (start["status"], body["body"]) == (200, b"ok")
        vary = (b"vary", b"Authorization, X-Api-Key")
        assert start["headers"] == [(b"content-length", b"2"), (b"cache-control", b"private"), vary]


def test_a_refused_head_has_no_body(ari: Ari) -> None:
    """Its headers are those of a GET."""
    with fake_keys(ari):
        start, body = request(guard(ari), method="HEAD")
        assert (start["status"], body["body"]) == (401, b"")
        assert int(dict(start["headers"])[b"content-length"]) > 0


def test_a_failing_handler_is_logged(ari: Ari) -> None:
    """And its exception goes on to the framework; without a decision there is nothing to log."""
    with fake_keys(ari) as keys:
        with pytest.raises(ValueError, match="the handler fails"):
            request(guard(ari, fails=True), keys.create("orders:read"))
        assert list_calls(keys) == [(500, "ok")]


def test_a_websocket_is_refused_before_it_opens(ari: Ari) -> None:
    """With the problem document, if the server can send it."""
    with fake_keys(ari) as keys:
        assert request(guard(ari), type="websocket") == [{"type": "websocket.close", "code": 1008, "reason": "missing"}]
        able: dict[str, Any] = {"websocket.http.response": {}}
        start, _ = request(guard(ari), type="websocket", extensions=able)
        assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
        challenges = [value for name, value in start["headers"] if name == b"www-authenticate"]
        assert challenges == [
            b'Bearer realm="ari", ApiKey realm="ari", header="x-api-key"'
        ]  # granian stops at a second
        [accepted] = request(guard(ari), keys.create("orders:read"), type="websocket")
        assert accepted["type"] == "websocket.accept"
        assert list_calls(keys) == [(401, "missing"), (401, "missing"), (101, "ok")]


def test_a_guard_without_its_middleware_fails(ari: Ari) -> None:
    """Or with that of another object: it is never open."""
    with pytest.raises(RuntimeError, match="lacks the middleware"):
        request(make_app(ari))
    with pytest.raises(RuntimeError, match="another Ari object"):
        request(ApiKeys(make_app(ari), ari=Ari.local("/nowhere")))
