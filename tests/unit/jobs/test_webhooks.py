"""The job that sends webhooks: a receiver that never responds delays no other, and no failure ends the job."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from ari.instance import Instance
from ari.jobs.webhooks import keep_webhooks
from ari.outbound.webhooks import Posted
from tests.support.hooks import Hooks
from tests.support.instances import opened

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
