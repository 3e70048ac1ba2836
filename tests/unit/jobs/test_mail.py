"""Events become notices, and notices emails."""

import asyncio
from pathlib import Path
from typing import Any

from ari.accounts.model import Account
from ari.base.clock import DAY_MS
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.mail import RETENTION_MS, forget_old, round_of_mail
from ari.notifications import delivery_history
from ari.notifications.model import Accepted, Email, MailConfig, Rejected, SendResult
from tests.support.commands import clock_of, create_key, revoke_key
from tests.support.instances import opened


class Sender:
    """Takes emails and returns this result."""

    name = "smtp"

    def __init__(self, result: SendResult) -> None:
        self.result = result
        self.sent: list[tuple[str, Email]] = []

    async def send(self, email: Email, key: str, within_seconds: float) -> SendResult:
        self.sent.append((key, email))
        return self.result


def _prepare(instance: Instance, sender: Sender) -> None:
    """An owner, and a mail service that stays as it is."""
    account = Account("usr_1", "owner@example.com", "a hash", instance.now_ms())
    Deps(instance).do_sync(lambda tx: tx.accounts.add_owner(account))

    async def stay(_: object) -> None:
        pass

    mail: Any = instance.mail
    mail.refresh, mail.sender = stay, sender
    mail.config = MailConfig("smtp", "ARI <ari@example.net>", None)


def _states(instance: Instance) -> list[str]:
    return [one.state for one in Deps(instance).read_sync(delivery_history.read_history, None, 50)]


def test_an_event_is_sent_once(data_dir: Path) -> None:
    """However many rounds and workers: the notice is taken before it is sent."""
    sender = Sender(Accepted("id_1"))
    with opened(data_dir, None) as instance:
        _prepare(instance, sender)
        revoke_key(instance, create_key(instance, "Laptop").key)
        for _ in range(3):
            asyncio.run(round_of_mail(instance))
        states = _states(instance)
    assert set(states) == {"sent"}
    assert len(sender.sent) == len({key for key, _ in sender.sent}) == len(states) > 0
    assert {email.recipient for _, email in sender.sent} == {"owner@example.com"}


def test_a_permanent_rejection_is_not_tried_again(data_dir: Path) -> None:
    """The history says so; nothing is sent without end."""
    sender = Sender(Rejected("No such mailbox."))
    with opened(data_dir, None) as instance:
        _prepare(instance, sender)
        create_key(instance, "Laptop")
        for _ in range(2):
            asyncio.run(round_of_mail(instance))
            clock_of(instance).advance(DAY_MS / 1000)
        assert _states(instance) == ["failed"] * len(sender.sent)
        assert sender.sent


def test_the_history_is_kept_for_a_while(data_dir: Path) -> None:
    """Then it is deleted: it has addresses in it."""
    with opened(data_dir, None) as instance:
        _prepare(instance, Sender(Accepted("id_1")))
        create_key(instance, "Laptop")
        asyncio.run(round_of_mail(instance))
        assert _states(instance)
        asyncio.run(forget_old(instance))
        assert _states(instance)
        clock_of(instance).advance(RETENTION_MS / 1000 + 1)
        asyncio.run(forget_old(instance))
        assert _states(instance) == []
