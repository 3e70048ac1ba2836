"""Deliveries that are sent again, and tests, on both databases."""

import asyncio
import json
from typing import Any

import pytest

from ari.base.clock import DAY_MS
from ari.base.errors import Conflict, NotFound
from ari.deps import Deps
from ari.webhooks import delivery, management, replay
from ari.webhooks.chunks import ChunkSize
from ari.webhooks.management import WebhookChange
from ari.webhooks.model import Delivery
from tests.support.commands import as_caller, create_key
from tests.support.hooks import Hooks
from tests.support.instances import START_MS


def _fail(hooks: Hooks, made: Any, count: int = 1) -> None:
    """Deliveries that were given up."""
    hooks.receivers.statuses["hooks.example.net"] = 503
    for _ in range(count):
        hooks.happen()
    hooks.gather()
    hooks.clock.advance(DAY_MS / 1000)
    for _ in range(count):
        hooks.round()
        hooks.clock.advance(60)
    hooks.receivers.statuses.clear()
    assert [one.state for one in hooks.deliveries(made.webhook)] == ["failed"] * count


def test_a_replay_has_the_same_id_and_body(hooks: Hooks) -> None:
    """So a receiver recognizes it; the timestamp and the signature are new."""
    made = hooks.add()
    hooks.happen()
    [(_, before, body, _)] = hooks.round()
    hooks.clock.advance(100)
    [sent] = hooks.deliveries(made.webhook)
    assert hooks.do(replay.replay, made.webhook.id, sent.id).state == "waiting"
    [(_, after, again, _)] = hooks.round()
    assert (after["webhook-id"], again) == (before["webhook-id"], body)
    assert after["webhook-signature"] != before["webhook-signature"]
    assert hooks.deliveries(made.webhook)[0].attempts == 1


def test_all_failed_since_a_time(hooks: Hooks) -> None:
    """Delivered events aren't sent again, and a failing webhook doesn't rest first."""
    made = hooks.add()
    hooks.happen()
    hooks.round()
    hooks.do(delivery.forget_old, 0, ChunkSize())
    failed_from = hooks.clock.now_ms() + 1
    hooks.clock.advance(1)
    hooks.receivers.statuses["hooks.example.net"] = 503
    hooks.happen()
    hooks.round()
    assert hooks.replay_failed(made.webhook) == 0
    hooks.clock.advance(DAY_MS / 1000)
    hooks.round()
    hooks.receivers.statuses.clear()
    assert hooks.replay_failed(made.webhook, hooks.clock.now_ms()) == 0
    assert hooks.replay_failed(made.webhook, failed_from) == 1
    assert len(hooks.round()) == 1
    assert {one.state for one in hooks.deliveries(made.webhook)} == {"delivered"}


def test_a_replay_is_retried_for_a_day_again(hooks: Hooks) -> None:
    """It isn't given up at once because its event is old."""
    made = hooks.add()
    _fail(hooks, made)
    hooks.replay_failed(made.webhook)
    hooks.receivers.statuses["hooks.example.net"] = 503
    hooks.round()
    assert hooks.deliveries(made.webhook)[0].state == "waiting"


def test_no_replay_while_sending_or_off(hooks: Hooks) -> None:
    """A delivery has one sender, and a webhook that is off gets nothing."""
    made = hooks.add()
    hooks.happen()
    hooks.gather()
    [sent] = hooks.deliveries(made.webhook)
    hooks.do(delivery.claim, made.webhook.id, "job_1")
    with pytest.raises(Conflict):
        hooks.do(replay.replay, made.webhook.id, sent.id)
    hooks.do(management.change_webhook, made.webhook.id, WebhookChange(on=False))
    with pytest.raises(Conflict):
        hooks.do(replay.replay, made.webhook.id, sent.id)
    with pytest.raises(Conflict):
        hooks.replay_failed(made.webhook)
    with pytest.raises(NotFound):
        Deps(hooks.instance).read_sync(replay.get_delivery, "whk_other", sent.id)


def _test(hooks: Hooks, made: Any) -> Delivery:
    return asyncio.run(
        replay.send_test(Deps(hooks.instance), hooks.receivers, made.webhook.id, None, hooks.instance.clock)
    )


def test_a_test_is_the_event_of_itself(hooks: Hooks) -> None:
    """Sent at once, whatever the webhook's events, and not again by the job."""
    made = hooks.add(["*"])
    hooks.round()
    sent = _test(hooks, made)
    assert (sent.state, sent.type, sent.is_test) == ("delivered", "webhook.tested", True)
    [(_, _, body, _)] = hooks.receivers.take()
    assert json.loads(body)["data"]["name"] == "webhook_tested"
    assert hooks.round() == []


def test_a_failed_test_is_not_retried_and_blames_nothing(hooks: Hooks) -> None:
    """It says nothing about deliveries, may be sent while the webhook is off, and isn't replayed with the failed."""
    made = hooks.add()
    hooks.do(management.change_webhook, made.webhook.id, WebhookChange(on=False))
    hooks.receivers.statuses["hooks.example.net"] = 404
    assert _test(hooks, made).state == "failed"
    assert hooks.get(made.webhook).failing_since_ms is None
    hooks.do(management.change_webhook, made.webhook.id, WebhookChange(on=True))
    assert hooks.replay_failed(made.webhook) == 0


def test_pages_are_newest_first(hooks: Hooks) -> None:
    """With one state, or all; each page continues after the last."""
    made = hooks.add()
    for _ in range(5):
        hooks.clock.advance(1)
        hooks.happen()
    hooks.gather()
    read = Deps(hooks.instance).read_sync
    first = read(replay.list_deliveries, made.webhook.id, None, 3)
    rest = read(replay.list_deliveries, made.webhook.id, first[-1].id, 3)
    assert [one.at_ms - START_MS for one in (*first, *rest)] == [5000, 4000, 3000, 2000, 1000]
    assert read(replay.list_deliveries, made.webhook.id, None, 3, "failed") == []


def test_a_key_sees_and_replays_only_events_that_it_can_list(hooks: Hooks) -> None:
    """The owner's webhook gets sign-ins; their times are not for a key that gets a 403 from the audit log."""
    made = hooks.add(["*"])
    hooks.happen("signed_in")
    hooks.happen("key_created")
    hooks.receivers.statuses["hooks.example.net"] = 503
    hooks.round()
    hooks.clock.advance(DAY_MS / 1000)
    for _ in range(4):
        hooks.round()
        hooks.clock.advance(60)
    hooks.receivers.statuses.clear()
    _test(hooks, made)
    signed_in = next(one for one in hooks.deliveries(made.webhook) if one.type == "account.signed_in")
    for scopes, seen in (
        (("webhooks:read", "webhooks:write"), {"webhook.tested"}),
        (("webhooks:read", "webhooks:write", "keys:read"), {"webhook.tested", "key.created"}),
    ):
        key = as_caller(create_key(hooks.instance, f"Reader {len(seen)}", scopes=scopes).key)
        page = Deps(hooks.instance, key).read_sync(replay.list_deliveries, made.webhook.id, None, 500)
        assert {one.type for one in page} == seen
        with pytest.raises(NotFound):
            hooks.do(replay.get_delivery, made.webhook.id, signed_in.id, caller=key)
        with pytest.raises(NotFound):
            hooks.do(replay.replay, made.webhook.id, signed_in.id, caller=key)
        queued = hooks.do(replay.replay_some, made.webhook.id, None, "", ChunkSize(), caller=key)
        assert len(queued) == len(seen) - 1
    assert signed_in.id in hooks.do(replay.replay_some, made.webhook.id, None, "", ChunkSize())
