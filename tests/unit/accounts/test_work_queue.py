"""Who waits where strangers crowd: each network its share, known visitors first, and no turn is lost."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from ari.accounts.networks import AddressNetworks, networks_around
from ari.accounts.work_queue import WorkQueue
from ari.base.errors import Unavailable

AT_ONCE, PLACES = 2, 8


class Crowd:
    """Visitors of a few turns, all of which are taken at first."""

    def __init__(self) -> None:
        self.turns = WorkQueue(AT_ONCE, PLACES)
        self.done: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def fill(self) -> None:
        for _ in range(AT_ONCE):
            await self.turns.take(None)

    async def come(self, name: str, place: AddressNetworks | None) -> None:
        """Start to wait."""
        self.tasks[name] = asyncio.create_task(self._visit(name, place))
        await asyncio.sleep(0)

    async def _visit(self, name: str, place: AddressNetworks | None) -> None:
        await self.turns.take(place)
        self.done.append(name)
        self.turns.give_back()

    async def strangers(self, *addresses: str) -> None:
        for address in addresses:
            await self.come(address, networks_around(address))

    async def open(self) -> dict[str, str]:
        """Give all turns back; how everybody fared."""
        for _ in range(AT_ONCE):
            self.turns.give_back()
        ended = await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        assert self.turns.under_way == 0
        return {name: "in" if end is None else type(end).__name__ for name, end in zip(self.tasks, ended, strict=True)}


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


CROWDS = {
    "IPv6 /64s of one /48": [f"2001:db8:1:{n:x}::1" for n in range(PLACES)],
    "IPv6 /48s of one /32": [f"2001:db8:{n * 999:x}::1" for n in range(PLACES)],
    "IPv4 of one /24": [f"198.51.100.{n}" for n in range(PLACES)],
    "IPv4 of one /8": [f"10.{n}.0.1" for n in range(PLACES)],
    "four providers": [f"{n // 2 + 50}.{n}.0.1" for n in range(PLACES)],
}


@pytest.mark.parametrize("crowd", CROWDS.values(), ids=CROWDS)
def test_a_stranger_from_elsewhere_gets_a_place(crowd: list[str]) -> None:
    """One of those who hold many gives it up, however many follow."""

    async def work() -> None:
        visit = Crowd()
        await visit.fill()
        await visit.strangers(*crowd)
        assert visit.turns.has_room(networks_around("203.0.113.5"))
        await visit.come("owner", networks_around("203.0.113.5"))
        for address in crowd:
            await visit.come(f"late {address}", networks_around(address))
        fared = await visit.open()
        assert fared["owner"] == "in"
        assert sum(end == "in" for end in fared.values()) == PLACES

    run(work())


def test_a_network_has_no_more_than_its_share() -> None:
    """Who holds as many as the others is sent away."""

    async def work() -> None:
        visit = Crowd()
        await visit.fill()
        await visit.strangers(*(f"{n + 50}.1.1.1" for n in range(PLACES)))
        assert not visit.turns.has_room(networks_around("203.0.113.5"))
        with pytest.raises(Unavailable) as full:
            await visit.turns.take(networks_around("203.0.113.5"))
        assert full.value.retry_after_seconds == 1
        fared = await visit.open()
        assert set(fared.values()) == {"in"}

    run(work())


def test_known_visitors_go_first() -> None:
    """In places of their own, which strangers cannot take."""

    async def work() -> None:
        visit = Crowd()
        await visit.fill()
        await visit.strangers(*(f"{n + 50}.1.1.1" for n in range(PLACES)))
        for number in range(PLACES):
            await visit.come(f"known {number}", None)
        with pytest.raises(Unavailable):
            await visit.turns.take(None)
        await visit.open()
        assert visit.done[:PLACES] == [f"known {number}" for number in range(PLACES)]
        assert len(visit.done) == 2 * PLACES

    run(work())


def test_who_leaves_takes_no_turn_along() -> None:
    """Neither while it waits nor in the moment in which it is called."""

    async def work() -> None:
        visit = Crowd()
        await visit.fill()
        await visit.strangers("192.0.2.1", "192.0.2.2", "192.0.2.3")
        visit.tasks["192.0.2.1"].cancel()
        await asyncio.sleep(0)
        visit.turns.give_back()
        visit.tasks["192.0.2.2"].cancel()
        visit.turns.give_back()
        ended = await asyncio.gather(*visit.tasks.values(), return_exceptions=True)
        assert [type(end) for end in ended] == [asyncio.CancelledError, asyncio.CancelledError, type(None)]
        assert visit.turns.under_way == 0

    run(work())
