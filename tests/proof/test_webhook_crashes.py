"""A process dies at each point between an event and the receiver's response: the event arrives, always with one ID."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ari.base.events import Event, Origin
from ari.base.ids import new_id
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.webhooks import gather, send_all
from ari.webhooks import management, replay
from ari.webhooks.management import NewWebhook
from ari.webhooks.model import CLOCK_SLACK_MS, LEASE_MS, Delivery
from tests.proof.webhook_worker import POINTS
from tests.support import forked
from tests.support.instances import opened
from tests.support.server import clean_environment
from tests.support.webhook_receiver import Receiver, running_receiver

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EVENTS = 3
"""For each point: a batch that is sent in part."""
STATES = {"gathering": [], "gathered": ["waiting"] * 3, "claiming": ["waiting"] * 3, "finished": ["delivered"] * 3}
"""States of the deliveries after the death; elsewhere they are leased."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def instance(
    request: pytest.FixtureRequest, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Instance]:
    """An instance with a webhook to the receiver, once on each database."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres").create()
    folder = tmp_path_factory.mktemp("crash") / "data"
    folder.mkdir(mode=0o700)
    clock = folder / "clock"
    clock.write_text("0")
    with opened(folder, url, test_clock_file=clock) as made:
        Deps(made).do_sync(management.add_webhook, NewWebhook("Receiver", receiver.url, ["key.*"]))
    running = Instance.open(made.settings)
    yield running
    running.close()
    if url is not None:
        request.getfixturevalue("postgres").drop(url)


def _happen(instance: Instance, point: str) -> list[str]:
    """The IDs of events, in their order."""
    now_ms, happened = instance.now_ms(), list[str]()
    for _ in range(EVENTS):
        event = Event(new_id("evt", now_ms), now_ms, "key_created", "cli:x", None, Origin("cli"), {"name": point})
        with instance.database.writing() as tx:
            tx.events.append(event)
        happened.append(event.id)
    return happened


def _die_at(point: str, instance: Instance) -> None:
    """A process of its own queues and sends, and dies there."""
    settings = instance.settings
    environment = {
        "ARI_DATABASE_URL": settings.database_url.get_secret_value() if settings.database_url else None,
        "ARI_TEST_CLOCK_FILE": str(settings.test_clock_file),
    }
    done = forked.run(
        [str(settings.data_dir), point],
        clean_environment(settings.data_dir, environment),
        ROOT,
        module="tests.proof.webhook_worker",
    )
    assert done.returncode == -9, done.stderr


def _send(instance: Instance) -> None:
    async def run() -> None:
        for webhook_id in await gather(instance):
            await send_all(instance, webhook_id)

    asyncio.run(run())


def _later(instance: Instance, milliseconds: int) -> None:
    file = instance.settings.test_clock_file
    assert file is not None
    file.write_text(str(int(file.read_text()) + milliseconds))


def _list_deliveries(instance: Instance, happened: list[str]) -> list[Delivery]:
    """The deliveries of these events, oldest first."""
    read = Deps(instance).read_sync
    [webhook] = read(management.list_webhooks)
    found = read(replay.list_deliveries, webhook.id, None, 100)
    return [one for one in reversed(found) if one.event_id in happened]


@pytest.mark.parametrize("point", POINTS)
def test_an_event_arrives_whatever_dies_where(instance: Instance, receiver: Receiver, point: str) -> None:
    """At least once, in order, with one ID and body; what was taken may come again, and a lease is heeded."""
    receiver.requests.clear()
    happened = _happen(instance, point)
    _die_at(point, instance)
    before = _list_deliveries(instance, happened)
    assert [one.state for one in before] == STATES.get(point, ["sending"] * EVENTS)
    taken = receiver.list_ids()
    if point in STATES:
        _later(instance, 1)
    else:
        _send(instance)
        assert receiver.list_ids() == taken
        _later(instance, LEASE_MS + CLOCK_SLACK_MS)
    _send(instance)
    after = _list_deliveries(instance, happened)
    assert [one.event_id for one in after] == happened
    assert {one.state for one in after} == {"delivered"}
    assert [one.id for one in before] in ([], [one.id for one in after])
    arrived = receiver.list_ids()[0 if point == "finished" else len(taken) :]
    assert arrived == [one.id for one in after], "each again, in order"
    assert set(taken) <= set(arrived)
    for one in after:
        bodies = {body for headers, body in receiver.requests if headers["webhook-id"] == one.id}
        assert len(bodies) == 1
        assert one.event_id.encode() in bodies.pop()
