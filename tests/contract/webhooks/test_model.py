"""The times that webhooks are held to: pauses, waits, retention, and steps of the clock, on both databases."""

import json

from ari.base.clock import DAY_MS, SECOND_MS
from ari.webhooks import delivery, management, replay
from ari.webhooks.chunks import ChunkSize
from ari.webhooks.management import WebhookChange
from ari.webhooks.model import CLOCK_SLACK_MS, LEASE_MS
from tests.support.hooks import Hooks
from tests.support.instances import START_MS


def test_a_clock_set_back_takes_no_delivery_hostage(hooks: Hooks) -> None:
    """A lease, or a rest, that ends in a time which the clock has left is nobody's."""
    made = hooks.add()
    hooks.happen()
    hooks.gather()
    hooks.do(delivery.claim, made.webhook.id, "job_1")
    hooks.clock.step(-DAY_MS / 1000)
    assert hooks.do(delivery.claim, made.webhook.id, "job_2") is not None


def test_what_waits_is_sent_after_a_clock_was_set_back(hooks: Hooks) -> None:
    """It was due at a time that the clock has left, by a day."""
    hooks.add()
    hooks.happen()
    hooks.gather()
    hooks.clock.step(-DAY_MS / 1000)
    assert len(hooks.round()) == 1


def test_clocks_of_nodes_may_differ(hooks: Hooks) -> None:
    """Neither a node that is behind nor one that is ahead takes another's lease."""
    made = hooks.add()
    hooks.happen()
    hooks.gather()
    hooks.do(delivery.claim, made.webhook.id, "job_1")
    hooks.clock.step(-1)
    assert hooks.do(delivery.claim, made.webhook.id, "job_2") is None
    hooks.clock.step((LEASE_MS + CLOCK_SLACK_MS) / SECOND_MS)
    assert hooks.do(delivery.claim, made.webhook.id, "job_2") is None


def test_a_receiver_may_ask_to_wait(hooks: Hooks) -> None:
    """``Retry-After`` is longer than the pause, and holds for every event of this webhook."""
    made = hooks.add()
    hooks.receivers.statuses["hooks.example.net"], hooks.receivers.wait_seconds = 429, 1800.0
    hooks.happen()
    hooks.round()
    [waiting] = hooks.deliveries(made.webhook)
    assert waiting.next_try_at_ms == START_MS + 1_800_000
    hooks.happen()
    hooks.clock.advance(1_799)
    assert hooks.round() == []
    hooks.clock.advance(1)
    assert len(hooks.round()) == 1


def test_what_is_off_gets_nothing_and_begins_again(hooks: Hooks) -> None:
    """Events while it is off are never sent; those before are, whether or not they were queued."""
    made = hooks.add(["key.*"])
    hooks.happen(name="queued")
    hooks.gather()
    hooks.happen(name="unread")
    hooks.do(management.change_webhook, made.webhook.id, WebhookChange(on=False))
    hooks.happen(name="while off")
    assert hooks.round() == []
    hooks.do(management.change_webhook, made.webhook.id, WebhookChange(on=True))
    hooks.happen(name="after")
    sent = [json.loads(body)["data"]["detail"]["name"] for _, _, body, _ in hooks.round()]
    assert sent == ["queued", "unread", "after"]


def test_a_pause_changes_nothing_for_the_others(hooks: Hooks) -> None:
    """They get the same events once, from the mark, which stays."""
    paused, other = hooks.add(), hooks.add()
    hooks.happen()
    hooks.do(management.change_webhook, paused.webhook.id, WebhookChange(on=False))
    assert len(hooks.round()) == 1
    assert [len(hooks.deliveries(one.webhook)) for one in (paused, other)] == [1, 1]


def test_deliveries_are_kept_for_thirty_days(hooks: Hooks) -> None:
    """They hold events, so never longer than the audit log, whose retention may be shorter, also after a replay."""
    made = hooks.add()
    hooks.happen()
    hooks.round()
    hooks.clock.advance(8 * DAY_MS / 1000)
    assert hooks.do(delivery.forget_old, 0, ChunkSize()) == 0
    [sent] = hooks.deliveries(made.webhook)
    hooks.do(replay.replay, made.webhook.id, sent.id)
    hooks.round()
    assert hooks.do(delivery.forget_old, 7, ChunkSize()) == 1
    assert hooks.deliveries(made.webhook) == []


def test_a_clock_ahead_deletes_nothing_that_waits(hooks: Hooks) -> None:
    """Deliveries of a webhook that is on are sent, not forgotten."""
    hooks.add()
    hooks.happen()
    hooks.gather()
    hooks.clock.step(40 * DAY_MS / 1000)
    assert hooks.do(delivery.forget_old, 0, ChunkSize()) == 0
    assert len(hooks.round()) == 1


def test_many_events_for_many_webhooks_are_queued_in_parts(hooks: Hooks) -> None:
    """No transaction queues more than some hundreds, because it holds the lock that every change needs."""
    made = [hooks.add(format="slack") for _ in range(50)]
    for _ in range(11):
        hooks.happen()
    assert hooks.do(delivery.gather, None) == 10
    hooks.gather()
    assert {len(hooks.deliveries(one.webhook)) for one in made} == {11}
