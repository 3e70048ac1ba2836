"""Events become notices, and notices emails."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ari import jobs
from ari.accounts.model import Account
from ari.base.clock import DAY_MS
from ari.base.errors import Unavailable
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs import keep_mailing, leases
from ari.jobs.mail import RETENTION_MS, forget_old, round_of_mail
from ari.notifications import delivery_history, outbox
from ari.notifications.model import Accepted, Email, MailConfig, Rejected, SendResult
from tests.support.commands import clock_of, create_key, revoke_key
from tests.support.instances import opened
from tests.support.slow_claim import SlowClaim


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


class Stuck(Sender):
    """Doesn't respond; ``is_stuck`` once there is an email."""

    def __init__(self) -> None:
        super().__init__(Accepted("id_1"))
        self.is_stuck = asyncio.Event()

    async def send(self, email: Email, key: str, within_seconds: float) -> SendResult:
        await super().send(email, key, within_seconds)
        self.is_stuck.set()
        await asyncio.Event().wait()
        return self.result


async def _stop_when_stuck(instance: Instance, stuck: Stuck) -> None:
    job = asyncio.create_task(keep_mailing(instance))
    await asyncio.wait_for(stuck.is_stuck.wait(), 30)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)


def test_a_stop_leaves_no_email_under_a_lease(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next process sends the same at once; the mail service recognizes a repeat by its key."""
    monkeypatch.setattr(leases, "STOP_SECONDS", 0.5)
    monkeypatch.setattr(jobs, "MAIL_STOP_SECONDS", 0.2)
    with opened(data_dir, None) as instance:
        stuck, sender = Stuck(), Sender(Accepted("id_1"))
        _prepare(instance, stuck)
        create_key(instance, "Laptop")
        asyncio.run(_stop_when_stuck(instance, stuck))
        assert "sending" not in _states(instance)
        mail: Any = instance.mail
        mail.sender = sender
        asyncio.run(round_of_mail(instance))
        assert set(_states(instance)) == {"sent"}
    assert sender.sent[0] == stuck.sent[0]


class Slow(Sender):
    """Has the email at once, and says so later than other attempts may take to end at a stop."""

    def __init__(self) -> None:
        super().__init__(Accepted("id_1"))
        self.has_email = asyncio.Event()
        self.may_respond = asyncio.Event()

    async def send(self, email: Email, key: str, within_seconds: float) -> SendResult:
        await super().send(email, key, within_seconds)
        self.has_email.set()
        await self.may_respond.wait()
        return self.result


async def _stop_while_sending(instance: Instance, slow: Slow) -> None:
    job = asyncio.create_task(keep_mailing(instance))
    await asyncio.wait_for(slow.has_email.wait(), 30)
    job.cancel()
    asyncio.get_running_loop().call_later(0.3, slow.may_respond.set)
    await asyncio.gather(job, return_exceptions=True)


def test_a_stop_waits_for_a_slow_mail_server(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the email, so the next process must not send a second one."""
    monkeypatch.setattr(leases, "STOP_SECONDS", 0.05)
    with opened(data_dir, None) as instance:
        slow, sender = Slow(), Sender(Accepted("id_2"))
        _prepare(instance, slow)
        create_key(instance, "Laptop")
        asyncio.run(_stop_while_sending(instance, slow))
        mail: Any = instance.mail
        mail.sender = sender
        asyncio.run(round_of_mail(instance))
        assert set(_states(instance)) == {"sent"}
    keys = [key for key, _ in slow.sent + sender.sent]
    assert len(slow.sent) == 1
    assert len(keys) == len(set(keys))


def test_a_result_is_stored_once_the_database_is_back(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, an email that was sent would be sent again."""
    finish, fails = outbox.finish, list[str]()

    def fail_once(*args: Any) -> Any:
        if not fails:
            fails.append("finish")
            raise Unavailable("away")
        return finish(*args)

    monkeypatch.setattr(leases, "RESULT_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(outbox, "finish", fail_once)
    sender = Sender(Accepted("id_1"))
    with opened(data_dir, None) as instance:
        _prepare(instance, sender)
        create_key(instance, "Laptop")
        asyncio.run(round_of_mail(instance))
        assert set(_states(instance)) == {"sent"}
    assert len(sender.sent) == len({key for key, _ in sender.sent})


class Broken(Sender):
    """Fails by a defect with its first email."""

    async def send(self, email: Email, key: str, within_seconds: float) -> SendResult:
        await super().send(email, key, within_seconds)
        if len(self.sent) == 1:
            raise RuntimeError("a defect")
        return self.result


def test_a_defect_ends_no_other_email(data_dir: Path) -> None:
    """It is an attempt without success: the email waits for the next one."""
    sender = Broken(Accepted("id_1"))
    with opened(data_dir, None) as instance:
        _prepare(instance, sender)
        for name in ("Laptop", "Phone"):
            create_key(instance, name)
        asyncio.run(round_of_mail(instance))
        assert sorted(_states(instance)) == ["sent", "waiting"]
        clock_of(instance).advance(3_600)
        asyncio.run(round_of_mail(instance))
        assert set(_states(instance)) == {"sent"}


def test_a_stop_during_a_claim_leaves_no_lease(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The claim takes longer than a stop waits for it, and is given back once it is committed."""
    claim = SlowClaim(outbox.claim)
    monkeypatch.setattr(leases, "STOP_SECONDS", 0.2)
    monkeypatch.setattr(jobs, "MAIL_STOP_SECONDS", 0.2)
    monkeypatch.setattr(outbox, "claim", claim)
    sender = Sender(Accepted("id_1"))
    with opened(data_dir, None) as instance:
        _prepare(instance, sender)
        create_key(instance, "Laptop")
        asyncio.run(claim.stop(keep_mailing(instance)))
        assert set(_states(instance)) == {"waiting"}
    assert sender.sent == []
