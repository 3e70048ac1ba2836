"""Ends what sends under leases, so that nothing waits for a lease when ARI stops in order, and no result is lost."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import TypeVar

from ari.base.errors import Unavailable

STOP_SECONDS = 1.0
"""How long an attempt may still take, and then how long giving its lease back may take."""
MAIL_STOP_SECONDS = 10.0
"""How long an email that is being sent may still take: a mail server that has it may be slow to respond, and sending it
again would be a second copy."""
RESULT_TRIES = 5
RESULT_PAUSE_SECONDS = 5.0
"""How often, and with which pauses, to store the result of an attempt while the database is away."""

_T = TypeVar("_T")


class Stopping:
    """Whether new attempts may begin, for tasks that send under a lease."""

    def __init__(self) -> None:
        self.is_set = False

    async def end(self, sending: Collection["asyncio.Task[None]"], seconds: float | None = None) -> None:
        """Wait for these tasks, ``STOP_SECONDS`` by default; cancel the others, which then give their leases back."""
        self.is_set = True
        if not sending:
            return
        _, late = await asyncio.wait(sending, timeout=STOP_SECONDS if seconds is None else seconds)
        for task in late:
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*late, return_exceptions=True)


async def claim(work: Callable[[], _T], give_back: Callable[[_T], object]) -> _T:
    """Run a command that takes leases, in a thread. If this is canceled meantime, ``give_back`` ends them.

    It has no deadline: a claim that is committed after one would leave leases that nobody ends.
    """
    claiming = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(claiming)
    except asyncio.CancelledError:
        found = await claiming
        await finish(asyncio.to_thread(give_back, found))
        raise


async def finish(work: Awaitable[_T]) -> _T:
    """The result of ``work``. If this is canceled, the work is finished first."""
    running = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.gather(running, return_exceptions=True)
        raise


async def store_result(store: Callable[[], Awaitable[_T]], stopping: Stopping) -> _T:
    """Run a command that stores results, also if this is canceled, and again while the database is away.

    Storing twice must be as storing once. Raises ``Unavailable`` after the last try, or the second one if ARI stops.
    """
    try:
        for _ in range(RESULT_TRIES - 1):
            with suppress(Unavailable):
                return await finish(store())
            if stopping.is_set:
                break
            await asyncio.sleep(RESULT_PAUSE_SECONDS)
        return await finish(store())
    except asyncio.CancelledError:
        await finish(store())
        raise
