"""The job that sends webhooks: a receiver that never responds delays no other, and no failure ends the job."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ari.base.errors import Unavailable
from ari.instance import Instance
from ari.jobs import leases
from ari.jobs.webhooks import gather, keep_webhooks, send_all
from ari.outbound.webhooks import Posted
from ari.webhooks import delivery
from tests.support.hooks import Hooks
from tests.support.instances import opened
from tests.support.slow_claim import SlowClaim

SILENT, FINE, BROKEN = "https://silent.example.net/", "https://fine.example.net/", "https://broken.example.net/"


class Senders:
    """One receiver is silent, one makes the sender fail, one responds; ``taken`` are the URLs that were called."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.is_enough = asyncio.Event()

    async def post(
        self, url: str, headers: Sequence[tuple[str, str]], body: bytes, *, private: bool, within_seconds: float
    ) -> Posted:
        self.taken.append(url)
        if self.taken.count(FINE) == 3 and len(set(self.taken)) == 3:
            self.is_enough.set()
        if url == SILENT:
            await asyncio.Event().wait()
        if url == BROKEN:
            raise RuntimeError("a defect")
        return Posted(200)


async def _run(instance: Instance, hooks: Hooks) -> list[str]:
    senders = Senders()
    instance.webhook_sender = senders
    job = asyncio.create_task(keep_webhooks(instance))
    for _ in range(3):
        await asyncio.to_thread(hooks.happen)
        instance.webhooks_are_due.set()
    await asyncio.wait_for(senders.is_enough.wait(), 30)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    return senders.taken


def test_a_silent_receiver_delays_no_other(data_dir: Path) -> None:
    """Each webhook has a task of its own; a defect is logged and ends nothing."""
    with opened(data_dir, None) as instance:
        hooks = Hooks(instance)
        for url in (SILENT, BROKEN, FINE):
            hooks.add(url=url)
        taken = asyncio.run(_run(instance, hooks))
    assert taken.count(FINE) == 3
    assert taken.count(SILENT) == 1


class Stuck:
    """Responds to the first request only; ``is_stuck`` once there is another."""

    def __init__(self) -> None:
        self.count = 0
        self.is_stuck = asyncio.Event()

    async def post(
        self, url: str, headers: Sequence[tuple[str, str]], body: bytes, *, private: bool, within_seconds: float
    ) -> Posted:
        self.count += 1
        if self.count > 1:
            self.is_stuck.set()
            await asyncio.Event().wait()
        return Posted(200)


async def _stop_when_stuck(instance: Instance) -> None:
    stuck = Stuck()
    instance.webhook_sender = stuck
    job = asyncio.create_task(keep_webhooks(instance))
    await asyncio.wait_for(stuck.is_stuck.wait(), 30)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)


def test_a_stop_leaves_nothing_under_a_lease(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent deliveries are known as sent, and the next process sends the rest at once."""
    monkeypatch.setattr(leases, "STOP_SECONDS", 0.5)
    with opened(data_dir, None) as instance:
        hooks = Hooks(instance)
        made = hooks.add(url=FINE)
        for _ in range(3):
            hooks.happen()
        asyncio.run(_stop_when_stuck(instance))
        assert [one.state for one in hooks.deliveries(made.webhook)] == ["waiting", "waiting", "delivered"]
        instance.webhook_sender = hooks.receivers
        assert len(hooks.round()) == 2
        assert {one.state for one in hooks.deliveries(made.webhook)} == {"delivered"}


class BreaksAt:
    """Responds to requests, but the one with this number fails by a defect, if there is one."""

    def __init__(self, number: int | None = None) -> None:
        self.number = number
        self.count = 0

    async def post(
        self, url: str, headers: Sequence[tuple[str, str]], body: bytes, *, private: bool, within_seconds: float
    ) -> Posted:
        self.count += 1
        if self.count == self.number:
            raise RuntimeError("a defect")
        return Posted(200)


def _send_three(instance: Instance, hooks: Hooks, sender: BreaksAt, url: str = FINE) -> list[str]:
    """The states of three deliveries after they were sent, the oldest first."""
    instance.webhook_sender = sender
    made = hooks.add(url=url)
    for _ in range(3):
        hooks.happen()
    for webhook_id in asyncio.run(gather(instance)):
        asyncio.run(send_all(instance, webhook_id))
    return [one.state for one in reversed(hooks.deliveries(made.webhook))]


def test_results_are_stored_whatever_happens_to_a_later_one(data_dir: Path) -> None:
    """A defect is a failed attempt, which waits for the next one as others do."""
    with opened(data_dir, None) as instance:
        hooks, sender = Hooks(instance), BreaksAt(2)
        assert _send_three(instance, hooks, sender) == ["delivered", "waiting", "waiting"]
        assert asyncio.run(gather(instance)) == []
        hooks.clock.advance(3_600)
        assert len(asyncio.run(gather(instance))) == 1


def test_results_are_stored_if_the_database_goes_away(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the second delivery, and while the result of the first is stored."""
    may_send, finish, fails = delivery.may_send, delivery.finish, list[str]()

    def fail_second(*args: Any) -> bool:
        if sender.count == 1:
            raise Unavailable("away")
        return may_send(*args)

    def fail_once(*args: Any) -> Any:
        if not fails:
            fails.append("finish")
            raise Unavailable("away")
        return finish(*args)

    monkeypatch.setattr(leases, "RESULT_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(delivery, "may_send", fail_second)
    monkeypatch.setattr(delivery, "finish", fail_once)
    with opened(data_dir, None) as instance:
        sender = BreaksAt()
        assert _send_three(instance, Hooks(instance), sender) == ["delivered", "waiting", "waiting"]
    assert (sender.count, fails) == (1, ["finish"])


def test_a_stop_during_a_claim_leaves_no_lease(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The claim takes longer than a stop waits for it, and is given back once it is committed."""
    claim = SlowClaim(delivery.claim)
    monkeypatch.setattr(leases, "STOP_SECONDS", 0.2)
    monkeypatch.setattr(delivery, "claim", claim)
    with opened(data_dir, None) as instance:
        hooks = Hooks(instance)
        made = hooks.add(url=FINE)
        hooks.happen()
        asyncio.run(claim.stop(keep_webhooks(instance)))
        assert [one.state for one in hooks.deliveries(made.webhook)] == ["waiting"]
