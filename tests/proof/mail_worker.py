"""Makes and emails notices until it kills itself at a named point (``tests.proof.test_mail_crashes``)."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ari.base.settings import load_settings
from ari.instance import Instance
from ari.jobs.mail import round_of_mail
from ari.notifications import outbox
from ari.notifications.model import Email, SendResult
from ari.notifications.ports import Sender

POINTS = ("gathering", "gathered", "claiming", "claimed", "taken", "finishing", "finished")
"""In the order of an email's life; those that end in -ing are in the midst of a transaction."""


def die() -> None:
    """No handler, no rollback, no goodbye."""
    os.kill(os.getpid(), signal.SIGKILL)


class Dying:
    """A sender that dies before the email goes, or when the service has taken it."""

    def __init__(self, sender: Sender, point: str) -> None:
        self._sender = sender
        self._point = point
        self.name = sender.name

    async def send(self, letter: Email, key: str, within_seconds: float) -> SendResult:
        """Hand it over, unless dead."""
        if self._point == "claimed":
            die()
        outcome = await self._sender.send(letter, key, within_seconds)
        if self._point == "taken":
            die()
        return outcome


def make_dying(work: Callable[..., Any]) -> Callable[..., Any]:
    """Does its work, and dies before its transaction commits."""

    def run_and_die(*given: Any) -> Any:
        done = work(*given)
        die()
        return done

    return run_and_die


async def run(folder: Path, point: str) -> None:
    """One round."""
    instance = Instance.open(load_settings(data_dir=folder))
    assert instance.mail.sender is not None
    instance.mail.sender = Dying(instance.mail.sender, point)
    for name, verb in (("gathering", "gather"), ("claiming", "claim"), ("finishing", "finish")):
        if point == name:
            setattr(outbox, verb, make_dying(getattr(outbox, verb)))
    if point == "gathered":
        outbox.claim = lambda *_: die()
    await round_of_mail(instance)
    die()


def main() -> None:
    """Work in the folder, until the point, that the arguments name."""
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2]))


if __name__ == "__main__":
    main()
