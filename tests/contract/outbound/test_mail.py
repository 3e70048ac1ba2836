"""A key of Resend that Settings > Integrations keeps emails, from the moment it is there until it is gone."""

import asyncio
from pathlib import Path

from ari.accounts.model import Account
from ari.base.events import Event, Origin
from ari.base.ids import new_id
from ari.deps import Deps
from ari.integrations import commands
from ari.integrations.providers import providers
from ari.jobs.mail import round_of_mail
from ari.notifications import delivery_history
from ari.storage.transaction import Transaction
from tests.support.instances import START_MS, opened
from tests.support.resend import KEY, StandIn, stand_in


def test_an_encrypted_key_sends_emails(data_dir: Path, database_url: str | None) -> None:
    """Without a restart; after its removal, notices are written and marked unsent."""
    resend = providers()["resend"]
    with stand_in() as service, opened(data_dir, database_url) as instance:

        def happen(name: str) -> str | None:
            """The state of the notice of a new key, after a round of email."""
            event = Event(
                new_id("evt", START_MS), START_MS, "key_created", "cli:x", None, Origin("cli"), {"name": name}
            )
            Deps(instance).do_sync(lambda unit: unit.events.append(event))
            asyncio.run(round_of_mail(instance))
            found = Deps(instance).read_sync(lambda unit: delivery_history.read_history(unit, None, 9))
            return next((one.state for one in found if one.event_id == event.id), None)

        Deps(instance).do_sync(lambda unit: unit.accounts.add_owner(Account("usr_1", "owner@example.com", "x", 0)))
        assert happen("before") == "unsent"
        environment = instance.provider_environment

        def put_key(unit: Transaction) -> None:
            commands.set_base_url(unit, resend, service.url)
            commands.put_key(unit, resend, environment, KEY)

        Deps(instance).do_sync(put_key)
        assert happen("sealed") == "sent"
        assert (instance.mail.config.sender, _count_emails(service)) == ("resend", 1)
        Deps(instance).do_sync(commands.remove, resend)
        assert happen("removed") == "unsent"
        assert (instance.mail.config.can_send, _count_emails(service)) == (False, 1)


def _count_emails(service: StandIn) -> int:
    return len(service.taken)
