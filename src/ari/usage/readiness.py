"""Whether a verification would work now, for probes."""

import asyncio
from collections.abc import Callable

from ari.base.clock import Clock
from ari.base.deadline import in_time
from ari.usage.model import Backlog
from ari.usage.ports import KeyLookup

_SECONDS_BETWEEN = 1.0


class Readiness:
    """Asks the database at most once a second for each name under which it is checked."""

    def __init__(self, clock: Clock, ping: Callable[[], None], read_backlog: Callable[[], Backlog]) -> None:
        self.lookup: KeyLookup | None = None
        """What verifications ask, once this process serves."""
        self._clock = clock
        self._ping = ping
        self._read_backlog = read_backlog
        self._checks: dict[str, tuple[float, asyncio.Future[Backlog]]] = {}

    async def check(self, asked_as: str = "ready") -> Backlog:
        """The requests that aren't folded yet. Raises ``Unavailable`` unless a verification would work now."""
        now = self._clock.monotonic()
        began, checking = self._checks.get(asked_as, (now - _SECONDS_BETWEEN, None))
        if checking is None or (checking.done() and now - began >= _SECONDS_BETWEEN):
            checking = asyncio.ensure_future(self._ask_lookup_and_database())
            self._checks[asked_as] = (now, checking)
        return await in_time(asyncio.shield(checking))

    async def _ask_lookup_and_database(self) -> Backlog:
        if self.lookup is not None:
            await self.lookup.check()
        await asyncio.to_thread(self._ping)
        return await asyncio.to_thread(self._read_backlog)
