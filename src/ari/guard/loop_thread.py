"""An event loop in a thread of its own, for services without one: WSGI apps and scripts."""

import asyncio
import atexit
import concurrent.futures.thread  # noqa: F401 - registers its own exit before ours
import os
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Generic, TypeVar

T = TypeVar("T")
CLOSE_SECONDS = 10.0


class LoopThread:
    """Runs coroutines for other threads. Starts at the first one, and again after a fork.

    ``close`` is run on the loop when the process ends, so that the usage log is written to its end.
    """

    def __init__(self, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._close = close
        self._lock = threading.Lock()
        self._pid = 0
        self._loop: asyncio.AbstractEventLoop
        os.register_at_fork(after_in_child=self._renew_lock)

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop, if it runs in this process."""
        return self._loop if self._pid == os.getpid() else None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``, which runs on the loop. Raises what it raises."""
        if self._pid != os.getpid():
            self._start()
        call = _Call(work)
        self._loop.call_soon_threadsafe(call.start)
        return call.wait()

    async def run_async(self, work: Coroutine[Any, Any, T]) -> T:
        """Likewise, for code on another event loop, which goes on."""
        if self._pid != os.getpid():
            self._start()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def stop(self) -> None:
        """Close, and end the thread. Does nothing in a process that did not start it."""
        with self._lock:
            if self._pid != os.getpid():
                return
            self._pid = 0
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(CLOSE_SECONDS)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CLOSE_SECONDS)

    def _start(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self._loop = _new_loop()
            # A daemon: it must not keep the process from ending, which closes it first.
            self._thread = threading.Thread(target=self._run, name="ari guard", daemon=True)
            self._thread.start()
            self._pid = os.getpid()
            _call_at_exit(self.stop)

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()


class _Call(Generic[T]):
    """One coroutine, and the thread that waits for it.

    A lock in place of a ``concurrent.futures.Future`` halves the processor time of a trip to the loop.
    """

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work
        self._task: asyncio.Task[None]
        self._result: T
        self._error: BaseException | None = None
        self._running = threading.Lock()
        self._running.acquire()

    def start(self) -> None:
        """Begin, on the loop."""
        self._task = asyncio.ensure_future(self._run())

    def wait(self) -> T:
        """The result. Raises what the coroutine raises."""
        self._running.acquire()
        if self._error is not None:
            raise self._error
        return self._result

    async def _run(self) -> None:
        try:
            self._result = await self._work
        except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
            self._error = error
        finally:
            self._running.release()


def _new_loop() -> asyncio.AbstractEventLoop:
    """That of uvloop, which the extra ``server`` installs where it can: a trip to it takes half the time."""
    try:
        import uvloop  # noqa: PLC0415 - not with the remote back end alone
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _call_at_exit(close: Callable[[], None]) -> None:
    """Call ``close`` while threads can still be started: when ``atexit`` runs, executors have ended.

    ``concurrent.futures.thread`` uses the same function of ``threading`` when it is imported, which is why this module
    imports it: what was registered last is called first.
    """
    register: Any = getattr(threading, "_register_atexit", atexit.register)
    with suppress(RuntimeError):  # the process is ending already; each response waited for its own commit
        register(close)
