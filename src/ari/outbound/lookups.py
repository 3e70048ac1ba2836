"""Resolve names in threads of their own, so that a name server that never responds delays no other name.

``getaddrinfo`` can't be canceled: a thread is held until the resolver gives up, long after the caller did. The event
loop's own lookups share four threads, so four such names would stop them all.
"""

import asyncio
import socket
import threading
from concurrent.futures import Future
from typing import Any

MAX_LOOKUPS = 64


class LookupThreads:
    """At most one lookup of a name at a time, and ``limit`` in all; those beyond fail at once.

    The threads are daemons: they don't delay the end of the process.
    """

    def __init__(self, limit: int = MAX_LOOKUPS) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._running: dict[tuple[str, int], Future[list[Any]]] = {}

    async def resolve(self, host: str, family: int) -> list[Any]:
        """The result of ``socket.getaddrinfo`` for a stream; joins a lookup of this name that is under way.

        Raises ``OSError``.
        """
        return await asyncio.wrap_future(self._start(host, family))

    def _start(self, host: str, family: int) -> "Future[list[Any]]":
        name = (host, int(family))
        with self._lock:
            found = self._running.get(name)
            if found is not None:
                return found
            if len(self._running) >= self._limit:
                raise OSError("too many names are being resolved")
            future = self._running[name] = Future[list[Any]]()
        future.set_running_or_notify_cancel()  # so that a caller that gives up doesn't cancel it for the others
        try:
            threading.Thread(target=self._look_up, args=(name, future), name="ari-lookup", daemon=True).start()
        except RuntimeError as error:  # no more threads
            self._end(name)
            future.set_exception(OSError(str(error)))
        return future

    def _look_up(self, name: tuple[str, int], future: "Future[list[Any]]") -> None:
        try:
            found = socket.getaddrinfo(name[0], None, family=name[1], type=socket.SOCK_STREAM)
        except Exception as error:  # noqa: BLE001 - raised where the result is awaited
            self._end(name)
            future.set_exception(error)
        else:
            self._end(name)
            future.set_result(found)

    def _end(self, name: tuple[str, int]) -> None:
        with self._lock:
            del self._running[name]
