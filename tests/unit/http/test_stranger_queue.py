"""Requests of strangers that write: few at once, the same time for each, and no turn is lost."""

import asyncio

import pytest

from ari.accounts.networks import networks_around
from ari.base.errors import Unavailable
from ari.http.stranger_queue import MAX_AT_ONCE, MAX_WAITING, StrangerQueue

HERE = networks_around("192.0.2.7")


class Sleeper:
    """In place of ``asyncio.sleep``: keeps for how long it was called, and lets others run."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await really_sleep(0)


really_sleep = asyncio.sleep


@pytest.fixture
def sleeper(monkeypatch: pytest.MonkeyPatch) -> Sleeper:
    sleeper = Sleeper()
    monkeypatch.setattr(asyncio, "sleep", sleeper)
    return sleeper


def test_a_turn_lasts_as_long_whatever_it_found(sleeper: Sleeper) -> None:
    """The rest of the time is slept."""

    async def take_turns() -> None:
        queue = StrangerQueue()
        for seconds in (1_000.0, 0.0):
            async with queue.take_turn(HERE, seconds):
                pass

    asyncio.run(take_turns())
    assert 900 < sleeper.seconds[0] <= 1_000
    assert sleeper.seconds[1] == 0


def test_a_failed_request_gives_its_turn_back_at_once(sleeper: Sleeper) -> None:
    """Its response says nothing about what was asked."""

    async def fail_often() -> None:
        queue = StrangerQueue()
        for _ in range(MAX_AT_ONCE + 1):
            with pytest.raises(ValueError, match="no"):
                async with queue.take_turn(HERE, 1_000.0):
                    raise ValueError("no")

    asyncio.run(fail_often())
    assert sleeper.seconds == []


def test_a_crowd_is_refused(sleeper: Sleeper) -> None:
    """Beyond those at work and those that wait."""
    running = most = 0

    async def ask(queue: StrangerQueue) -> bool:
        nonlocal running, most
        try:
            async with queue.take_turn(HERE, 0.0):
                running += 1
                most = max(most, running)
                await really_sleep(0)
                running -= 1
        except Unavailable:
            return False
        return True

    async def crowd() -> list[bool]:
        queue = StrangerQueue()
        return await asyncio.gather(*(ask(queue) for _ in range(50)))

    assert sum(asyncio.run(crowd())) == MAX_AT_ONCE + MAX_WAITING
    assert most == MAX_AT_ONCE
