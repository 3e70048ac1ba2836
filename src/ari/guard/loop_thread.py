"""An event loop in a thread of its own, for services without one: WSGI apps and scripts."""

import asyncio
import atexit
import concurrent.futures.thread  # noqa: F401 - registers its own exit before ours
import os
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

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

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``, which runs on the loop. Raises what it raises."""
        if self._pid != os.getpid():
            self._start()
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

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
            self._loop = asyncio.new_event_loop()
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


def _call_at_exit(close: Callable[[], None]) -> None:
    """Call ``close`` while threads can still be started: when ``atexit`` runs, executors have ended.

    ``concurrent.futures.thread`` uses the same function of ``threading`` when it is imported, which is why this module
    imports it: what was registered last is called first.
    """
    register: Any = getattr(threading, "_register_atexit", atexit.register)
    with suppress(RuntimeError):  # the process is ending already; each response waited for its own commit
        register(close)
