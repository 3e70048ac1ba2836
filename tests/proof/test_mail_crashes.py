"""A process dies at each point between the event and the response of the mail service: one email, not none, not two."""

import asyncio
from collections.abc import Iterator

import pytest

from ari.accounts.model import Account
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.mail import round_of_mail
from ari.notifications import delivery_history, outbox
from tests.proof import crashes
from tests.proof.mail_worker import POINTS
from tests.support.resend import KEY, StandIn, stand_in

pytestmark = pytest.mark.slow

SENDER = "ari@example.net"


@pytest.fixture(scope="module")
def service() -> Iterator[StandIn]:
    with stand_in() as running:
        yield running


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def instance(
    request: pytest.FixtureRequest, service: StandIn, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Instance]:
    """An instance with an owner that emails by the stand-in, once on each database."""

    def prepare(made: Instance) -> None:
        with made.database.writing() as tx:
            tx.accounts.add_owner(Account("usr_1", "owner@example.com", "a hash", 0))

    mail = {"resend_api_key": KEY, "resend_url": service.url, "mail_from": SENDER}
    with crashes.instance_on(request, tmp_path_factory, prepare, **mail) as running:
        yield running


def test_one_email_whatever_dies_where(instance: Instance, service: StandIn) -> None:
    """The next process finds the event, the notice or the lease that is over, and goes on; Resend knows the key."""
    # A database treats every transaction cut short alike; on PostgreSQL one of each sort will do.
    points = POINTS if instance.settings.database_url is None else ("claiming", "taken", "finishing")
    for point in points:
        service.taken.clear()
        happened = crashes.append_event(instance, point)
        mail = {"RESEND_API_KEY": KEY, "ARI_RESEND_URL": service.url, "ARI_MAIL_FROM": SENDER}
        crashes.die_at("tests.proof.mail_worker", point, instance, **mail)
        [before] = (
            [*Deps(instance).read_sync(lambda unit: delivery_history.read_history(unit, None, 1))]
            if point != "gathering"
            else [None]
        )
        states = {"gathered": "waiting", "claiming": "waiting", "finished": "sent"}
        assert before is None or before.state == states.get(point, "sending"), point
        asyncio.run(round_of_mail(instance))  # a lease that is not over is heeded
        crashes.advance_clock(instance, outbox.LEASE_MS)
        asyncio.run(round_of_mail(instance))
        [notice] = Deps(instance).read_sync(lambda unit: delivery_history.read_history(unit, None, 1))
        assert (notice.event_id, notice.state) == (happened, "sent"), point
        assert [(mail.id, mail.key) for mail in service.taken] == [(notice.sender_id, notice.id)], point
        assert not Deps(instance).read_sync(lambda unit: unit.outbox.has_due(instance.now_ms() + 10**9, 10**12)), point
