"""An instance with an owner, and what the mailing job does, step by step."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select

from ari.accounts.model import Account
from ari.base.events import Event, Origin
from ari.base.ids import new_id
from ari.deps import Deps
from ari.instance import Instance
from ari.notifications import delivery_history, outbox
from ari.notifications.model import MailConfig, Notice
from ari.notifications.outbox import ClaimedNotice
from ari.outbound.email_html import render_html
from ari.storage.tables import notices
from tests.support.clock import FrozenClock
from tests.support.instances import START_MS

OFFICE = MailConfig("resend", "ARI <ari@example.net>", "https://ari.example.net")
SHUT = MailConfig(None, "ARI <ari@example.net>", None)


class Post:
    """An instance with an owner, and what the job does, step by step."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        assert isinstance(instance.clock, FrozenClock)
        self.clock = instance.clock
        self.config = OFFICE
        with instance.database.writing() as unit:
            unit.accounts.add_owner(Account("usr_1", "owner@example.com", "a hash", START_MS))

    def happen(self, event_name: str = "key_created", /, subject: str | None = None, **detail: Any) -> Event:
        """Append an event that makes a notice."""
        now_ms = self.clock.now_ms()
        event = Event(new_id("evt", now_ms), now_ms, event_name, "system", subject, Origin("system"), detail)
        self.command(lambda unit: unit.events.append(event))
        return event

    def command(self, work: Callable[[Any], Any]) -> Any:
        return Deps(self.instance).do_sync(work)

    def gather(self) -> int:
        return int(self.command(lambda unit: outbox.gather(unit, self.config)))

    def claim(self, holder: str = "job_1") -> Any:
        return self.command(lambda unit: outbox.claim(unit, self.config, render_html, holder))

    def finish(self, claimed: ClaimedNotice, outcome: Any, holder: str = "job_1") -> Notice:
        done = self.command(lambda unit: outbox.finish(unit, claimed.notice, "resend", outcome, holder))
        assert isinstance(done, Notice)
        return done

    def history(self) -> list[Notice]:
        return list(Deps(self.instance).read_sync(lambda unit: delivery_history.read_history(unit, None, 500)))

    def letters_kept(self) -> int:
        with self.instance.database.main.connect() as connection:
            return int(connection.execute(select(func.count(notices.c.letter))).scalar_one())
