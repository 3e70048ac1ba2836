"""Promise 2 where an admitted request ends without a response: the server sends a 500, and the log has it.

Each end (a canceled task, the exit of a handler, a closed generator, no response at all) in each framework.
"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from fastapi import Depends, FastAPI
from flask import Flask
from litestar import Litestar, asgi
from starlette.applications import Starlette
from starlette.routing import Route
from werkzeug.test import EnvironBuilder

from ari.guard import entry, fastapi, flask, litestar, starlette
from ari.guard.asgi import ApiKeys, App, find_guarded
from ari.guard.django import require_key
from tests.support.asgi import scope_of
from tests.support.guard import GuardedInstance, closed_guards, guarded_instance

django.setup()
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class _End(BaseException):
    """Of a library that ends a request."""


ENDS: dict[str, BaseException | None] = {
    "canceled": asyncio.CancelledError(),
    "exit": SystemExit(3),
    "closed": GeneratorExit(),
    "ended": _End(),
    "nothing": None,
}


class _Nothing:
    """A response that sends nothing."""

    async def __call__(self, *_: Any) -> None:
        pass


async def _end(error: BaseException | None) -> Any:
    if error is not None:
        raise error
    return _Nothing()


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GuardedInstance]:
    with guarded_instance(tmp_path) as found, closed_guards(monkeypatch):
        yield found
    for error in ENDS.values():
        if error is not None:  # its traceback would keep the requests
            error.__traceback__ = error.__context__ = None


def make_fastapi(folder: Path, error: BaseException | None) -> Any:
    from starlette.responses import Response

    class Nothing(Response):
        async def __call__(self, *_: Any) -> None:
            pass

    ari, app = fastapi.Ari.local(folder), FastAPI()
    app.add_middleware(fastapi.ApiKeys, ari=ari)

    @app.api_route("/orders", methods=["GET", "POST"], dependencies=[Depends(ari.key("orders:read"))])
    async def end() -> Any:
        await _end(error)
        return Nothing()

    return app


def make_starlette(folder: Path, error: BaseException | None) -> Any:
    ari = starlette.Ari.local(folder)

    @ari.key("orders:read")
    async def end(request: Any) -> Any:
        return await _end(error)

    app = Starlette(routes=[Route("/orders", end, methods=["GET", "POST"])])
    app.add_middleware(starlette.ApiKeys, ari=ari)
    return app


def make_litestar(folder: Path, error: BaseException | None) -> Any:
    ari = litestar.Ari.local(folder)

    @asgi("/orders", guards=[ari.key("orders:read")], copy_scope=True)
    async def end(scope: Any, receive: Any, send: Any) -> None:
        await _end(error)

    return Litestar([end], plugins=[litestar.ApiKeysPlugin(ari)], openapi_config=None)


def make_django(folder: Path, error: BaseException | None) -> Any:
    @require_key("orders:read")
    async def end(request: Any) -> Any:
        await _end(error)

    return _serve_django(end, ASGIHandler)


def _serve_django(view: Any, handler: Any) -> Any:
    from django.urls import path

    class Urls:
        urlpatterns = (path("orders", view),)

    with override_settings(ROOT_URLCONF=Urls):
        made = handler()

    def serve(*arguments: Any) -> Any:
        with override_settings(ROOT_URLCONF=Urls):
            return made(*arguments)

    async def serve_async(*arguments: Any) -> None:
        with override_settings(ROOT_URLCONF=Urls):
            await made(*arguments)

    return serve_async if handler is ASGIHandler else serve


async def call(app: App, secret: str, method: str) -> int:
    """The status that a caller sees: servers send a 500 after any exception, and where an app sends nothing."""
    sent: list[Any] = []
    asked = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        return asked.pop() if asked else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = scope_of(method, b"/orders", [(b"x-api-key", secret.encode()), (b"host", b"shop.test")])
    try:
        await app(scope, receive, send)
    except BaseException:  # noqa: BLE001 - as uvicorn does
        assert not sent
    return sent[0]["status"] if sent else 500


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("make", [make_fastapi, make_starlette, make_litestar, make_django])
def test_an_async_handler_without_a_response_is_a_500_in_the_log(
    instance: GuardedInstance, make: Callable[[Path, BaseException | None], App], end: str, method: str
) -> None:
    """Whatever ends it, with a safe method and an unsafe one."""
    with override_settings(ARI_KEYS={"DATA_DIR": instance.data_dir}):
        app, secret = make(instance.data_dir, ENDS[end]), instance.create_secret()
        try:
            assert asyncio.run(call(app, secret, method)) == 500
        except SystemExit:  # of a task: it ends the event loop
            assert end == "exit"
    assert instance.read_facts() == [("ok", method, "/orders", 500)]


def make_flask(folder: Path, error: BaseException | None) -> Any:
    ari, app = flask.Ari.local(folder), Flask(__name__)
    if error is None:
        inner: Any = app.wsgi_app
        setattr(app, "wsgi_app", lambda environ, _: inner(environ, lambda *_: len))  # noqa: B010 - begins no response
    ari.init_app(app)

    @app.route("/orders", methods=["GET", "POST"])
    @ari.key("orders:read")
    def end() -> str:
        if error is not None:
            raise error
        return "nothing of this is sent"

    return app


def make_django_sync(folder: Path, error: BaseException | None) -> Any:
    @require_key("orders:read")
    def end(request: Any) -> Any:
        if error is not None:
            raise error

    return _serve_django(end, WSGIHandler)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("make", [make_flask, make_django_sync])
def test_a_view_without_a_response_is_a_500_in_the_log(
    instance: GuardedInstance, make: Callable[[Path, BaseException | None], Any], end: str, method: str
) -> None:
    """Likewise, for views without an event loop."""
    with override_settings(ARI_KEYS={"DATA_DIR": instance.data_dir}):
        app = make(instance.data_dir, ENDS[end])
        headers = [("x-api-key", instance.create_secret())]
        environ, begun = EnvironBuilder("/orders", method=method, headers=headers).get_environ(), list[str]()
        raised: BaseException | None = None
        try:
            list(app(environ, lambda status, *_: begun.append(status)))
        except BaseException as error:  # noqa: BLE001 - as gunicorn does
            raised = error
        assert raised is ENDS[end]
        assert begun in ([], ["500 Internal Server Error"])
    assert instance.read_facts() == [("ok", method, "/orders", 500)]


def make_plain(ari: entry.Ari, act: Callable[[Any, Any], Any]) -> App:
    requirement = ari.require("orders:read")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await find_guarded(scope, ari).authorize(requirement, "/orders")
        await act(receive, send)

    return ApiKeys(app, ari=ari)


def exchange(instance: GuardedInstance, act: Callable[[Any, Any], Any], kind: str = "http") -> list[Any]:
    """The messages of an app to a client that hangs up at once, or to a WebSocket that waits."""
    ari, sent, secret = entry.Ari.local(instance.data_dir), list[Any](), instance.create_secret()
    scope = {**scope_of("GET", b"/orders", [(b"x-api-key", secret.encode())]), "type": kind}

    async def receive() -> Any:
        return {"type": "http.disconnect" if kind == "http" else "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        try:
            await make_plain(ari, act)(scope, receive, send)
        except ValueError:
            sent.append("raised")
        await ari.close()

    asyncio.run(run())
    return sent


async def leave(receive: Any, _: Any) -> None:
    await receive()


async def fail(receive: Any, _: Any) -> None:
    await receive()
    raise ValueError("the handler fails")


def test_a_client_that_hung_up_is_a_499(instance: GuardedInstance) -> None:
    """The app has seen that, and nothing is sent."""
    assert exchange(instance, leave) == []
    assert exchange(instance, fail) == ["raised"]
    assert instance.read_facts() == [("ok", "GET", "/orders", 499)] * 2


def test_a_handshake_without_a_response_is_refused(instance: GuardedInstance) -> None:
    """Servers differ in what they send then, so the guard does: 403."""
    close = {"type": "websocket.close"}
    assert exchange(instance, leave, "websocket") == [close]
    assert exchange(instance, fail, "websocket") == [close, "raised"]
    assert instance.read_facts() == [("ok", "GET", "/orders", 403)] * 2


def test_a_log_that_is_broken_then_is_a_503(instance: GuardedInstance) -> None:
    """The failure of the handler can't be logged, so its 500 isn't sent."""
    with instance.break_log():
        sent = exchange(instance, fail_at_once)
    assert [message["status"] for message in sent if "status" in message] == [503]


async def fail_at_once(*_: Any) -> None:
    raise ValueError("the handler fails")


def test_a_task_that_is_canceled_from_outside_logs_its_request(instance: GuardedInstance) -> None:
    """A server may send a 500 then, such as uvicorn when it stops. It is logged although it is canceled again."""
    ari, secret = entry.Ari.local(instance.data_dir), instance.create_secret()
    scope = scope_of("GET", b"/orders", [(b"x-api-key", secret.encode())])

    async def run() -> None:
        begun = asyncio.Event()

        async def wait(*_: Any) -> Any:
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.ensure_future(make_plain(ari, wait)(scope, wait, wait))
        await begun.wait()
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        await ari.close()

    asyncio.run(run())
    assert instance.read_facts() == [("ok", "GET", "/orders", 500)]


def test_django_that_cancels_a_view_logs_that_the_client_hung_up(instance: GuardedInstance) -> None:
    """Django cancels a view for nothing else."""
    with override_settings(ARI_KEYS={"DATA_DIR": instance.data_dir}):
        secret, begun = instance.create_secret(), list[asyncio.Event]()

        @require_key("orders:read")
        async def wait(_: Any) -> Any:
            begun[0].set()
            await asyncio.Event().wait()

        app = _serve_django(wait, ASGIHandler)
        scope = scope_of("GET", b"/orders", [(b"x-api-key", secret.encode()), (b"host", b"shop.test")])
        asked = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Any:
            if asked:
                return asked.pop()
            await begun[0].wait()
            return {"type": "http.disconnect"}

        async def run() -> None:
            begun.append(asyncio.Event())
            await app(scope, receive, receive)

        asyncio.run(run())
    assert instance.read_facts() == [("ok", "GET", "/orders", 499)]
