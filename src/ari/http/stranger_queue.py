"""Turns for strangers whose requests write: few at once, a fair share for each network, and responses in equal time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ari.accounts.networks import AddressNetworks
from ari.accounts.work_queue import WorkQueue

MAX_AT_ONCE = 2
MAX_WAITING = 8
"""Requests that a process handles at once, and requests from strangers that wait."""


class StrangerQueue:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._turns = WorkQueue(MAX_AT_ONCE, MAX_WAITING)

    @asynccontextmanager
    async def take_turn(self, stranger: AddressNetworks | None, seconds: float) -> AsyncIterator[None]:
        """Wait for a turn that takes ``seconds``, so that its timing doesn't reveal what the request found.

        ``None`` is a visitor who is known. Raises ``Unavailable`` if too many wait.
        """
        await self._turns.take(stranger)
        try:
            ends_at = asyncio.get_running_loop().time() + seconds
            yield
            await asyncio.sleep(max(0.0, ends_at - asyncio.get_running_loop().time()))
        finally:
            self._turns.give_back()
