"""Queues and sends webhooks until it kills itself at a named point (``tests.proof.test_webhook_crashes``)."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ari.base.settings import load_settings
from ari.instance import Instance
from ari.jobs.webhooks import gather, send_all
from ari.webhooks import delivery
from ari.webhooks.ports import PostResult, WebhookSender
from tests.proof.mail_worker import die, make_dying

POINTS = ("gathering", "gathered", "claiming", "claimed", "taken", "second taken", "finishing", "finished")
"""In the order of a delivery's life; those that end in -ing are in the midst of a transaction."""


class Dying:
    """A sender that dies before the first request goes, or when the receiver has taken the first or second."""

    def __init__(self, sender: WebhookSender, point: str) -> None:
        self._sender = sender
        self._point = point
        self._count = 0

    async def post(
        self, url: str, headers: Sequence[tuple[str, str]], body: bytes, *, private: bool, within_seconds: float
    ) -> PostResult:
        """Send it, unless dead."""
        if self._point == "claimed":
            die()
        result = await self._sender.post(url, headers, body, private=private, within_seconds=within_seconds)
        self._count += 1
        if self._point == {1: "taken", 2: "second taken"}.get(self._count):
            die()
        return result


async def run(folder: Path, point: str) -> None:
    """One round."""
    instance = Instance.open(load_settings(data_dir=folder))
    instance.webhook_sender = Dying(instance.webhook_sender, point)
    for name, verb in (("gathering", "gather"), ("claiming", "claim"), ("finishing", "finish")):
        if point == name:
            setattr(delivery, verb, make_dying(getattr(delivery, verb)))
    due = await gather(instance)
    if point == "gathered":
        die()
    if point == "finished":  # when its transaction has ended, before it asks for more
        setattr(delivery, "claim", _claim_once(delivery.claim))  # noqa: B010 - a function in place of another
    for webhook_id in due:
        await send_all(instance, webhook_id)
    die()


def _claim_once(claim: Any) -> Any:
    calls: list[int] = []

    def claim_or_die(*given: Any) -> Any:
        if calls:
            die()
        calls.append(1)
        return claim(*given)

    return claim_or_die


def main() -> None:
    """Work in the folder, until the point, that the arguments name."""
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2]))


if __name__ == "__main__":
    main()
