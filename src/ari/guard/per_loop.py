"""One opened thing for each event loop: connections and the usage log belong to the loop that opened them."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class PerLoop(Generic[T]):
    """Opens when first wanted on a loop, once, and again after a fork; a failed opening is tried again."""

    def __init__(self, open_one: Callable[[], Awaitable[T]], close_one: Callable[[T], Awaitable[None]]) -> None:
        self._open = open_one
        self._close = close_one
        self._pid = os.getpid()
        self._tasks: dict[asyncio.AbstractEventLoop, asyncio.Future[T]] = {}

    def find(self) -> T | None:
        """The thing of the running loop, if it is open."""
        task = self._tasks.get(asyncio.get_running_loop())
        if task is None or not task.done() or task.cancelled() or self._pid != os.getpid():
            return None
        return task.result() if task.exception() is None else None

    async def get(self) -> T:
        """The thing of the running loop. Raises what opening it raises."""
        loop = asyncio.get_running_loop()
        if self._pid != os.getpid():  # those of the parent process stay open there
            self._pid, self._tasks = os.getpid(), {}
        task = self._tasks.get(loop)
        if task is None:
            task = self._tasks[loop] = asyncio.ensure_future(self._open_here())
        try:
            return await asyncio.shield(task)
        except BaseException:
            if task.done() and self._tasks.get(loop) is task:
                del self._tasks[loop]
            raise

    async def close(self) -> None:
        """Close the thing of the running loop."""
        task = self._tasks.pop(asyncio.get_running_loop(), None)
        if task is not None and self._pid == os.getpid():
            await self._close(await task)

    async def _open_here(self) -> T:
        for loop in list(self._tasks):
            # A test client starts a loop for each request. Another thread may close the same ones now.
            task = self._tasks.pop(loop, None) if loop.is_closed() else None
            if task is not None and task.done() and not task.cancelled() and task.exception() is None:
                with suppress(Exception):  # what belongs to a loop that is gone can't end in order
                    await self._close(task.result())
        return await self._open()
