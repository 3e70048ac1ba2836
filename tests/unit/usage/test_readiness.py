"""Probes ask whether a verification would work, and don't burden the database."""

import asyncio

import pytest

from ari.base.errors import Unavailable
from ari.usage.model import Backlog
from ari.usage.readiness import Readiness
from tests.support.clock import FrozenClock

NOW_MS = 1_800_000_000_000


def test_probes_share_one_look_at_the_database_a_second() -> None:
    """However many load balancers ask; each name under which it is checked is apart."""
    pings: list[None] = []
    clock = FrozenClock(NOW_MS)
    readiness = Readiness(clock, lambda: pings.append(None), lambda: Backlog(0, None))

    async def run() -> list[int]:
        counts = []
        for seconds, name in ((0, "ready"), (0.9, "ready"), (0, "health"), (0.2, "ready")):
            clock.advance(seconds)
            await readiness.check(name)
            counts.append(len(pings))
        return counts

    assert asyncio.run(run()) == [1, 1, 2, 3]


def test_a_failure_is_not_remembered_for_longer() -> None:
    """An instance that works again is ready within a second."""
    faults = [Unavailable("The database is locked.")]
    clock = FrozenClock(NOW_MS)

    def ping() -> None:
        if faults:
            raise faults.pop()

    async def run() -> None:
        readiness = Readiness(clock, ping, lambda: Backlog(0, None))
        for seconds in (0, 0.9):
            clock.advance(seconds)
            with pytest.raises(Unavailable, match="locked"):
                await readiness.check()
        clock.advance(0.2)
        await readiness.check()

    asyncio.run(run())
