"""An orderly stop gives tasks a moment, then cancels them, and waits no longer than it says."""

import asyncio
import threading

import pytest

from ari.base.errors import Unavailable
from ari.jobs import leases
from ari.jobs.leases import Stopping


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "STOP_SECONDS", 0.01)
    monkeypatch.setattr(leases, "RESULT_PAUSE_SECONDS", 0.001)


def test_a_task_that_ends_soon_is_not_canceled() -> None:
    """It sees that it must begin nothing new."""

    async def run() -> bool:
        stopping = Stopping()

        async def send() -> None:
            while not stopping.is_set:
                await asyncio.sleep(0)

        task = asyncio.create_task(send())
        await stopping.end([task])
        return task.done() and not task.cancelled()

    assert asyncio.run(run())


def test_one_that_hangs_is_canceled_and_may_clean_up() -> None:
    """A task that doesn't end even then holds up nothing."""

    async def run() -> list[str]:
        cleaned = list[str]()

        async def hang(cleans: str) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                if cleans == "never":
                    await asyncio.Event().wait()
                cleaned.append(cleans)

        await Stopping().end([asyncio.create_task(hang(one)) for one in ("soon", "never")])
        return cleaned

    assert asyncio.run(run()) == ["soon"]


def test_some_tasks_get_longer() -> None:
    """A mail server that has an email already may be slow to say so."""

    async def run() -> bool:
        stopping, is_over = Stopping(), asyncio.Event()
        task = asyncio.create_task(_wait_for(is_over))
        asyncio.get_running_loop().call_later(0.05, is_over.set)
        await stopping.end([task], 10)
        return task.done() and not task.cancelled()

    assert asyncio.run(run())


async def _wait_for(event: asyncio.Event) -> None:
    await event.wait()


def test_a_claim_that_a_stop_interrupts_is_given_back() -> None:
    """Its thread commits all the same."""
    begun, may_commit, given_back = threading.Event(), threading.Event(), list[str]()

    def take() -> str:
        begun.set()
        may_commit.wait(10)
        return "a lease"

    async def run() -> bool:
        claiming = asyncio.create_task(leases.claim(take, given_back.append))
        await asyncio.to_thread(begun.wait, 10)
        claiming.cancel()
        await asyncio.sleep(0)
        may_commit.set()
        await asyncio.wait([claiming])
        return claiming.cancelled()

    assert asyncio.run(run())
    assert given_back == ["a lease"]


def test_a_stop_while_a_result_is_stored() -> None:
    """It is stored before the task ends."""
    stored = list[str]()

    async def run() -> bool:
        begun, may_commit = asyncio.Event(), asyncio.Event()

        async def store() -> None:
            begun.set()
            await may_commit.wait()
            stored.append("sent")

        storing = asyncio.create_task(leases.store_result(store, Stopping()))
        await begun.wait()
        storing.cancel()
        await asyncio.sleep(0)
        may_commit.set()
        await asyncio.wait([storing])
        return storing.cancelled()

    assert asyncio.run(run())
    assert set(stored) == {"sent"}


class Away:
    """A database that is away for the first ``times`` times."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.tried = 0

    async def store(self) -> str:
        self.tried += 1
        self.left -= 1
        if self.left >= 0:
            raise Unavailable("away")
        return "stored"


def test_a_result_waits_for_the_database() -> None:
    """Without it, what was sent would be sent again."""
    away = Away(leases.RESULT_TRIES - 1)
    assert asyncio.run(leases.store_result(away.store, Stopping())) == "stored"


def test_it_waits_for_a_while_only() -> None:
    """The last attempt says why."""
    away = Away(leases.RESULT_TRIES)
    with pytest.raises(Unavailable):
        asyncio.run(leases.store_result(away.store, Stopping()))
    assert away.tried == leases.RESULT_TRIES


def test_a_stop_does_not_wait_for_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """It tries once more, at once."""
    monkeypatch.setattr(leases, "RESULT_PAUSE_SECONDS", 60)
    away, stopping = Away(2), Stopping()
    stopping.is_set = True
    with pytest.raises(Unavailable):
        asyncio.run(leases.store_result(away.store, stopping))


def test_a_stop_during_a_pause_tries_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database may be back."""
    monkeypatch.setattr(leases, "RESULT_PAUSE_SECONDS", 60)
    away = Away(1)

    async def run() -> None:
        storing = asyncio.create_task(leases.store_result(away.store, Stopping()))
        while not away.tried:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        storing.cancel()
        await asyncio.gather(storing, return_exceptions=True)

    asyncio.run(run())
    assert away.tried == 2
