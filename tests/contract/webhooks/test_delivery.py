"""From events to requests, on both databases: none lost, each queued once, retried for a day, and then given up."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from ari.base.clock import DAY_MS, HOUR_MS, to_rfc3339
from ari.base.errors import Unavailable
from ari.deps import Deps
from ari.jobs.webhooks import forget_old
from ari.webhooks import delivery, management
from ari.webhooks.management import WebhookChange
from ari.webhooks.model import BATCH_SIZE, CLOCK_SLACK_MS, LEASE_MS, AttemptResult
from ari.webhooks.sending import sign
from tests.support.hooks import URL, Hooks
from tests.support.instances import START_MS

SLOW, DEAD = "https://slow.example.net/a", "https://dead.example.net/b"


def test_an_event_is_sent_once_signed(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the event as the audit log has it, to the whole URL; the library of Standard Webhooks accepts it."""
    made = hooks.add()
    event = hooks.happen(name="Laptop")
    [(url, headers, body, private)] = hooks.round()
    assert (url, private) == (URL, True)
    payload = json.loads(body)
    assert (payload["type"], payload["timestamp"]) == ("key.created", to_rfc3339(START_MS))
    assert payload["data"]["version"] == 1
    assert payload["data"]["id"] == event.id
    assert payload["data"]["detail"] == {"name": "Laptop"}
    [sent] = hooks.deliveries(made.webhook)
    assert headers["webhook-id"] == sent.id
    assert headers["webhook-signature"] == sign([made.secret], _with_body(sent, body), START_MS)
    monkeypatch.setattr("standardwebhooks.webhooks.datetime", _clock_at(START_MS))
    assert Verifier(made.secret).verify(body, headers) == payload
    assert (sent.state, sent.status, sent.attempts, sent.error) == ("delivered", 204, 1, None)
    assert hooks.get(made.webhook).delivered_at_ms == START_MS
    assert hooks.round() == []


def _with_body(sent: Any, body: bytes) -> Any:
    from dataclasses import replace

    return replace(sent, body=body.decode())


def _clock_at(at_ms: int) -> Any:
    from datetime import UTC, datetime

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Stopped":
            return cls.fromtimestamp(at_ms / 1000, tz or UTC)

    return Stopped


def test_only_wanted_events_after_its_creation(hooks: Hooks) -> None:
    """Nothing that happened before, and nothing that its patterns don't match."""
    hooks.happen()
    made = hooks.add(["key.revoked", "consumer.*"])
    for name in ("key_created", "key_revoked", "consumer_created", "signed_in"):
        hooks.happen(name)
    hooks.round()
    assert [one.type for one in hooks.deliveries(made.webhook)] == ["consumer.created", "key.revoked"]


def test_a_webhook_for_everything_begins_with_its_own_creation(hooks: Hooks) -> None:
    """A receiver sees at once that it works."""
    made = hooks.add(["*"])
    hooks.round()
    assert [one.type for one in hooks.deliveries(made.webhook)] == ["webhook.added"]


def test_each_event_is_queued_once_however_many_gather(hooks: Hooks) -> None:
    """Several workers read the log at the same time."""
    made = hooks.add()
    for _ in range(5):
        hooks.happen()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: hooks.do(delivery.gather, None), range(4)))
    assert len(hooks.deliveries(made.webhook)) == 5
    assert not Deps(hooks.instance).read_sync(delivery.has_unread)


def test_one_sender_at_a_time_and_a_dead_one_is_replaced(hooks: Hooks) -> None:
    """A process that dies leaves a lease, after which another sends the same; its late result is ignored."""
    made = hooks.add()
    hooks.happen()
    hooks.gather()
    first = hooks.do(delivery.claim, made.webhook.id, "job_1")
    assert hooks.do(delivery.claim, made.webhook.id, "job_2") is None
    assert hooks.gather() == []
    hooks.clock.advance((LEASE_MS + CLOCK_SLACK_MS) / 1000)
    assert hooks.gather() == [made.webhook.id]
    second = hooks.do(delivery.claim, made.webhook.id, "job_2")
    assert second.deliveries == first.deliveries
    hooks.do(delivery.finish, first, [AttemptResult(None, "late", 1)], "job_1")
    assert hooks.deliveries(made.webhook)[0].state == "sending"
    hooks.do(delivery.finish, second, [AttemptResult(200, None, 1)], "job_2")
    assert hooks.deliveries(made.webhook)[0].state == "delivered"


def test_a_dead_receiver_delays_no_other(hooks: Hooks) -> None:
    """Each webhook is sent for itself; a failing one is tried once and then rests."""
    hooks.receivers.statuses["dead.example.net"] = None
    dead, fine = hooks.add(url=DEAD), hooks.add(url=SLOW)
    for _ in range(2 * BATCH_SIZE):
        hooks.happen()
    sent = [url for url, *_ in hooks.round()]
    assert sent.count(DEAD) == 1
    assert sent.count(SLOW) == 2 * BATCH_SIZE
    assert {one.state for one in hooks.deliveries(fine.webhook)} == {"delivered"}
    assert [one.attempts for one in hooks.deliveries(dead.webhook)].count(0) == 2 * BATCH_SIZE - 1
    assert hooks.round() == []
    hooks.clock.advance(40)
    assert [url for url, *_ in hooks.round()] == [DEAD]
    hooks.receivers.statuses.clear()
    hooks.clock.advance(90)
    assert len(hooks.round()) == 2 * BATCH_SIZE
    assert hooks.get(dead.webhook).failing_since_ms is None


def test_one_rejected_event_does_not_stop_the_others(hooks: Hooks) -> None:
    """A receiver that rejects one event gets the next ones; the rejected one is retried with growing pauses."""
    made = hooks.add()
    hooks.receivers.statuses["hooks.example.net"] = 500
    hooks.happen(name="poison")
    hooks.round()
    hooks.receivers.statuses.clear()
    hooks.happen(name="fine")
    hooks.clock.advance(20)
    assert hooks.round() == []
    hooks.clock.advance(20)
    assert len(hooks.round()) == 2
    assert {one.state for one in hooks.deliveries(made.webhook)} == {"delivered"}


def _exhaust(hooks: Hooks, made: Any) -> int:
    """Fail until the delivery is given up; returns the number of attempts."""
    attempts = 0
    while hooks.deliveries(made.webhook)[0].state != "failed":
        hooks.clock.advance(HOUR_MS / 1000 * 1.21)
        attempts += len(hooks.round())
    return attempts


def test_given_up_after_a_day(hooks: Hooks) -> None:
    """With the same ID and body each time; the owner is notified, and after five days the webhook is turned off."""
    hooks.receivers.statuses["hooks.example.net"] = 500
    made = hooks.add()
    hooks.happen()
    hooks.round()
    _exhaust(hooks, made)
    given_up = hooks.deliveries(made.webhook)[0]
    assert hooks.clock.now_ms() - START_MS <= DAY_MS + 2 * HOUR_MS
    assert (given_up.status, given_up.error) == (500, "The receiver returned status 500.")
    webhook = hooks.get(made.webhook)
    assert (webhook.is_on, webhook.warned_at_ms is not None) == (True, True)
    assert _count_events(hooks, made, "webhook_failing") == 1
    for _ in range(5):
        hooks.happen()
        hooks.round()
        _exhaust(hooks, made)
    assert hooks.get(made.webhook).off_reason == "failing"
    assert _count_events(hooks, made, "webhook_failing") == 1
    assert _count_events(hooks, made, "webhook_turned_off") == 1
    hooks.happen()
    assert hooks.round() == []


def _count_events(hooks: Hooks, made: Any, name: str) -> int:
    found = Deps(hooks.instance).read_sync(lambda tx: tx.events.page(made.webhook.id, None, 100))
    return sum(one.name == name for one in found)


def test_one_old_failure_turns_nothing_off(hooks: Hooks) -> None:
    """Without events in between, a failure days after the last one is only the first of a new day."""
    made = hooks.add()
    hooks.receivers.statuses["hooks.example.net"] = 500
    hooks.happen()
    hooks.round()
    _exhaust(hooks, made)
    hooks.clock.advance(6 * DAY_MS / 1000)
    hooks.happen()
    hooks.round()
    assert hooks.get(made.webhook).is_on


def test_gone_turns_it_off_at_once(hooks: Hooks) -> None:
    """410 is how a receiver unsubscribes."""
    made = hooks.add()
    hooks.receivers.statuses["hooks.example.net"] = 410
    hooks.happen()
    hooks.happen()
    assert len(hooks.round()) == 1
    assert hooks.get(made.webhook).off_reason == "gone"
    assert [one.state for one in hooks.deliveries(made.webhook)] == ["waiting", "failed"]


def test_a_result_of_the_old_url_says_nothing_about_the_new(hooks: Hooks) -> None:
    """A 410 that arrives after the URL was changed doesn't turn the webhook off."""
    made = hooks.add()
    hooks.happen()
    hooks.gather()
    batch = hooks.do(delivery.claim, made.webhook.id, "job_1")
    hooks.do(management.change_webhook, made.webhook.id, WebhookChange(url=SLOW))
    hooks.do(delivery.finish, batch, [AttemptResult(410, "Gone.", 1)], "job_1")
    assert hooks.get(made.webhook).is_on


def test_a_webhook_removed_while_sending(hooks: Hooks) -> None:
    """Its result is dropped with its deliveries."""
    made = hooks.add()
    hooks.happen()
    hooks.gather()
    batch = hooks.do(delivery.claim, made.webhook.id, "job_1")
    hooks.do(management.remove_webhook, made.webhook.id)
    assert hooks.do(delivery.finish, batch, [AttemptResult(200, None, 1)], "job_1") == []
    assert hooks.round() == []


def test_both_secrets_sign_during_a_rotation(hooks: Hooks) -> None:
    """For a day a receiver may have either; then the old one is deleted. One retired now signs nothing more."""
    made = hooks.add()
    rotated = hooks.do(management.rotate_webhook_secret, made.webhook.id)
    assert _sign_with(hooks, made.webhook) == [rotated.secret, made.secret]
    hooks.clock.advance(DAY_MS / 1000)
    assert _sign_with(hooks, made.webhook) == [rotated.secret]
    asyncio.run(forget_old(hooks.instance))
    assert hooks.get(made.webhook).old_secret_until_ms is None
    third = hooks.do(management.rotate_webhook_secret, made.webhook.id, retire_old_now=True)
    assert _sign_with(hooks, made.webhook) == [third.secret]


def _sign_with(hooks: Hooks, webhook: Any) -> list[str]:
    """The secrets that sign the next event."""
    hooks.happen()
    hooks.gather()
    batch = hooks.do(delivery.claim, webhook.id, "job_1")
    hooks.do(delivery.finish, batch, [AttemptResult(200, None, 1)] * len(batch.deliveries), "job_1")
    return list(batch.secrets)


def test_a_lost_master_key_keeps_deliveries(hooks: Hooks) -> None:
    """Nothing is sent or given up until the key is back; other webhooks of the job go on."""
    made = hooks.add()
    hooks.happen()
    hooks.gather()
    file = hooks.instance.master_keys.own_file
    kept = file.read_bytes()
    file.unlink()
    try:
        with pytest.raises(Unavailable):
            hooks.do(delivery.claim, made.webhook.id, "job_1")
        assert hooks.round() == []
    finally:
        file.touch(0o600)
        file.write_bytes(kept)
    assert len(hooks.round()) == 1


def test_what_waits_is_counted(hooks: Hooks) -> None:
    """For monitoring: of webhooks that are on."""
    count = Deps(hooks.instance).read_sync
    made = hooks.add()
    assert count(delivery.count_open) == (0, None)
    hooks.happen()
    hooks.gather()
    hooks.clock.advance(9)
    assert count(delivery.count_open) == (1, START_MS)
    hooks.do(management.change_webhook, made.webhook.id, WebhookChange(on=False))
    assert count(delivery.count_open) == (0, None)
