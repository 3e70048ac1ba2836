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
        self._opened: dict[asyncio.AbstractEventLoop, T] = {}

    def find(self, loop: asyncio.AbstractEventLoop | None = None) -> T | None:
        """The thing of ``loop``, by default the running one, if it is open."""
        return self._opened.get(loop or asyncio.get_running_loop()) if self._pid == os.getpid() else None

    async def get(self) -> T:
        """The thing of the running loop. Raises what opening it raises."""
        loop = asyncio.get_running_loop()
        if self._pid != os.getpid():  # those of the parent process stay open there
            self._pid, self._tasks, self._opened = os.getpid(), {}, {}
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
        loop = asyncio.get_running_loop()
        task = self._tasks.pop(loop, None)
        if task is not None and self._pid == os.getpid():
            opened = await task
            self._opened.pop(loop, None)
            await self._close(opened)

    async def _open_here(self) -> T:
        for loop in list(self._tasks):
            # A test client starts a loop for each request. Another thread may close the same ones now.
            if not loop.is_closed():
                continue
            self._opened.pop(loop, None)
            task = self._tasks.pop(loop, None)
            if task is not None and task.done() and not task.cancelled() and task.exception() is None:
                with suppress(Exception):  # what belongs to a loop that is gone can't end in order
                    await self._close(task.result())
        opened = await self._open()
        self._opened[asyncio.get_running_loop()] = opened
        return opened
