"""A worker process: granian in our own event loop, on the socket that the parent holds."""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
import uvloop
from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from ari.base.settings import Settings
from ari.http.dispatch import App
from ari.serving.live_report import LiveReporter
from ari.serving.os_limits import share_connections

BACKLOG = 4096
"""How many connections may wait to be accepted; the kernel may allow fewer (net.core.somaxconn)."""
HEADER_SECONDS = 10
"""Timeout for a request's head, from the opening of the connection or the end of the previous response."""
HEAD_BYTES = 32 * 1024
_GEN0_THRESHOLD = 20_000

_log = structlog.get_logger("ari.serving")


class _Granian(Server):
    """Granian on a socket that already listens: with its own, a second ARI could join the same port unnoticed.

    Granian has no public way to pass a socket. tests/unit/serving/test_worker.py fails when an upgrade changes the
    private method that is replaced here.
    """

    def __init__(self, app: App, listener: socket.socket, settings: Settings, connections: int) -> None:
        super().__init__(
            app,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=HEAD_BYTES),
            websockets=False,
            backlog=BACKLOG,
            backpressure=connections,
            log_enabled=settings.log_level == "debug",
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        # Granian closes the descriptor itself when it stops.
        more = (BACKLOG,) if sys.platform == "linux" or "freebsd" in sys.platform else ()
        self._ssp = None
        self._shd: Any = SocketHolder(self._listener.detach(), False, *more)  # type: ignore[call-arg]  # not in its stubs


Served = Sequence[tuple[App, socket.socket]]
"""The apps and where they listen. The first is ARI itself, with a lifespan."""


def work(
    served: Served, settings: Settings, live: LiveReporter | None = None, on_stop: Callable[[], None] | None = None
) -> int:
    """Serve until SIGTERM, finish requests in progress, flush the usage log, and return the exit status.

    ``on_stop`` ends requests that wait, before those in progress are waited for.
    """
    loop = uvloop.new_event_loop()
    if live is not None:
        live.loop = loop
    asyncio.set_event_loop(loop)
    return loop.run_until_complete(_work(served, settings, on_stop))


async def _work(served: Served, settings: Settings, on_stop: Callable[[], None] | None) -> int:
    stop_requested = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop_requested.set)
    async with _lifespan(served[0][0]):
        _reduce_garbage_collection()
        servers = [
            _Granian(app, listener, settings, connections)
            for (app, listener), connections in zip(served, share_connections(len(served)), strict=True)
        ]
        serving = [asyncio.create_task(one.serve()) for one in servers]
        waiting = asyncio.create_task(stop_requested.wait())
        await asyncio.wait((*serving, waiting), return_when=asyncio.FIRST_COMPLETED)
        ended = next((one for one in serving if one.done()), None)
        if ended is not None:
            _log.error("the server stopped unexpectedly", exc_info=ended.exception())
            return 1
        if on_stop is not None:
            on_stop()
        for one in servers:
            one.stop()  # type: ignore[no-untyped-call]  # untyped there
        _, unfinished = await asyncio.wait(serving, timeout=settings.stop_seconds)
        if unfinished:
            _log.warning("stopped with requests in progress", after_seconds=settings.stop_seconds)
    return 0


def _reduce_garbage_collection() -> None:
    """Requests create no reference cycles. Freeze the startup objects and raise the gen-0 threshold to 20,000."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GEN0_THRESHOLD, 20, 20)


@asynccontextmanager
async def _lifespan(app: App) -> AsyncIterator[None]:
    """Run the ASGI lifespan here rather than in granian, so that the usage log is always flushed."""
    received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    sent: asyncio.Queue[Any] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.3"}}
    running = asyncio.ensure_future(app(scope, received.get, sent.put))
    for name in ("startup", "shutdown"):
        await received.put({"type": f"lifespan.{name}"})
        message = await sent.get()
        if message["type"] != f"lifespan.{name}.complete":
            await running
        if name == "startup":
            yield
    await running
