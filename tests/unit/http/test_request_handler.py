"""A request through all stages, without a server."""

import asyncio
import gc
from pathlib import Path
from typing import Any

import pytest

from ari.http import request_handler
from ari.http.context import RequestContext
from ari.server import build_app
from tests.support import asgi
from tests.support.guard import guarded_instance
from tests.support.instances import opened

HOST = (b"host", b"127.0.0.1:3000")


def test_a_request_leaves_no_reference_cycle(data_dir: Path) -> None:
    """Garbage is collected every 20,000 objects, so a context that waits for it would fill the memory."""

    async def run() -> int:
        with opened(data_dir, None) as instance:
            app = build_app(instance)
            await app.start()
            gc.collect()
            gc.disable()
            try:
                for target in (b"/api/health", b"/api/me", b"/no/such/page", b"/sign-in"):
                    await asgi.call(app, "GET", target, [HOST])
                return sum(type(one) is RequestContext for one in gc.get_objects())
            finally:
                gc.enable()
                await app.stop()

    assert asyncio.run(run()) == 0


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "error",
    [asyncio.CancelledError(), GeneratorExit(), SystemExit(3), None],
    ids=["canceled", "closed", "exit", "nothing"],
)
def test_a_handler_without_a_response_is_a_500_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, error: BaseException | None
) -> None:
    """Promise 2: the server would send one without a row."""

    async def end(*_: Any) -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(request_handler, "run_handler", end)
    with guarded_instance(tmp_path) as instance:
        headers = [HOST, (b"x-api-key", instance.create_secret().encode())]

        async def run() -> None:
            app = build_app(instance.instance)
            await app.start()
            try:
                response = await asgi.call(app, method, b"/api/me", headers)
                assert response.status == 500
            except SystemExit:
                assert isinstance(error, SystemExit)
            finally:
                await app.stop()

        asyncio.run(run())
        assert instance.read_facts() == [("ok", method, "/api/me", 500)]


def test_a_request_whose_task_is_canceled_is_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a server does that stops. The task ends nevertheless."""
    begun = asyncio.Event()

    async def wait(*_: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(request_handler, "run_handler", wait)
    with guarded_instance(tmp_path) as instance:
        headers = [HOST, (b"x-api-key", instance.create_secret().encode())]

        async def run() -> None:
            app = build_app(instance.instance)
            await app.start()
            task = asyncio.ensure_future(asgi.call(app, "GET", b"/api/me", headers))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await app.stop()

        asyncio.run(run())
        assert instance.read_facts() == [("ok", "GET", "/api/me", 500)]
