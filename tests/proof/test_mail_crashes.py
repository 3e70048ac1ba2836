"""A process dies at each point between the event and the response of the mail service: one email, not none, not two."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ari.accounts.model import Account
from ari.base.events import Event, Origin
from ari.base.ids import new_id
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.mail import round_of_mail
from ari.notifications import delivery_history, outbox
from tests.proof.mail_worker import POINTS
from tests.support import forked
from tests.support.instances import opened
from tests.support.resend import KEY, StandIn, stand_in
from tests.support.server import clean_environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def service() -> Iterator[StandIn]:
    with stand_in() as running:
        yield running


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def instance(
    request: pytest.FixtureRequest, service: StandIn, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Instance]:
    """An instance with an owner that emails by the stand-in, once on each database."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres").create()
    folder = tmp_path_factory.mktemp("crash") / "data"
    folder.mkdir(mode=0o700)
    clock = folder / "clock"
    clock.write_text("0")
    mail = {"resend_api_key": KEY, "resend_url": service.url, "mail_from": "ari@example.net"}
    with opened(folder, url, test_clock_file=clock, **mail) as made, made.database.writing() as unit:
        unit.accounts.add_owner(Account("usr_1", "owner@example.com", "a hash", 0))
    settings = made.settings
    running = Instance.open(settings)
    yield running
    running.close()
    if url is not None:
        request.getfixturevalue("postgres").drop(url)


def _die_at(point: str, instance: Instance) -> None:
    """A process of its own emails, and dies there."""
    settings = instance.settings
    assert settings.resend_api_key is not None
    environment = {
        "RESEND_API_KEY": KEY,
        "ARI_RESEND_URL": settings.resend_url,
        "ARI_MAIL_FROM": settings.mail_from,
        "ARI_DATABASE_URL": settings.database_url.get_secret_value() if settings.database_url else None,
        "ARI_TEST_CLOCK_FILE": str(settings.test_clock_file),
    }
    done = forked.run(
        [str(settings.data_dir), point],
        clean_environment(settings.data_dir, environment),
        ROOT,
        module="tests.proof.mail_worker",
    )
    assert done.returncode == -9, done.stderr


def _later(instance: Instance, milliseconds: int) -> None:
    file = instance.settings.test_clock_file
    assert file is not None
    file.write_text(str(int(file.read_text()) + milliseconds))


def test_one_email_whatever_dies_where(instance: Instance, service: StandIn) -> None:
    """The next process finds the event, the notice or the lease that is over, and goes on; Resend knows the key."""
    # A database treats every transaction cut short alike; on PostgreSQL one of each sort will do.
    points = POINTS if instance.settings.database_url is None else ("claiming", "taken", "finishing")
    for point in points:
        service.taken.clear()
        now_ms = instance.now_ms()
        event = Event(new_id("evt", now_ms), now_ms, "key_created", "cli:x", None, Origin("cli"), {"name": point})
        with instance.database.writing() as tx:
            tx.events.append(event)
        _die_at(point, instance)
        [before] = (
            [*Deps(instance).read_sync(lambda unit: delivery_history.read_history(unit, None, 1))]
            if point != "gathering"
            else [None]
        )
        states = {"gathered": "waiting", "claiming": "waiting", "finished": "sent"}
        assert before is None or before.state == states.get(point, "sending"), point
        asyncio.run(round_of_mail(instance))  # a lease that is not over is heeded
        _later(instance, outbox.LEASE_MS)
        asyncio.run(round_of_mail(instance))
        [notice] = Deps(instance).read_sync(lambda unit: delivery_history.read_history(unit, None, 1))
        assert (notice.event_id, notice.state) == (event.id, "sent"), point
        assert [(mail.id, mail.key) for mail in service.taken] == [(notice.sender_id, notice.id)], point
        assert not Deps(instance).read_sync(lambda unit: unit.outbox.has_due(instance.now_ms() + 10**9, 10**12)), point
