"""A process dies at each point between an event and the receiver's response: the event arrives, always with one ID."""

import asyncio
from collections.abc import Iterator

import pytest

from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.webhooks import gather, send_all
from ari.webhooks import management, replay
from ari.webhooks.management import NewWebhook
from ari.webhooks.model import CLOCK_SLACK_MS, LEASE_MS, Delivery
from tests.proof import crashes
from tests.proof.webhook_worker import POINTS
from tests.support.webhook_receiver import Receiver, running_receiver

pytestmark = pytest.mark.slow

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

    def prepare(made: Instance) -> None:
        Deps(made).do_sync(management.add_webhook, NewWebhook("Receiver", receiver.url, ["key.*"]))

    with crashes.instance_on(request, tmp_path_factory, prepare) as running:
        yield running


def _send(instance: Instance) -> None:
    async def run() -> None:
        for webhook_id in await gather(instance):
            await send_all(instance, webhook_id)

    asyncio.run(run())


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
    happened = [crashes.append_event(instance, point) for _ in range(EVENTS)]
    crashes.die_at("tests.proof.webhook_worker", point, instance)
    before = _list_deliveries(instance, happened)
    assert [one.state for one in before] == STATES.get(point, ["sending"] * EVENTS)
    taken = receiver.list_ids()
    if point in STATES:
        crashes.advance_clock(instance, 1)
    else:
        _send(instance)
        assert receiver.list_ids() == taken
        crashes.advance_clock(instance, LEASE_MS + CLOCK_SLACK_MS)
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
