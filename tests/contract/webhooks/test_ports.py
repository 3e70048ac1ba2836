"""Very many deliveries, on both databases: no transaction touches all of them, since it holds everyone's lock."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from ari.base.clock import DAY_MS
from ari.base.errors import Conflict, NotFound
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.webhooks import forget_old, forget_removed
from ari.webhooks import delivery, management, replay
from ari.webhooks.chunks import ChunkSize
from ari.webhooks.management import WebhookChange
from tests.support.hooks import Hooks

CHUNK = 3


def _make_chunk() -> ChunkSize:
    chunk = ChunkSize(lambda: 0.0)
    chunk.size = CHUNK
    return chunk


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """``CHUNK`` in place of a hundred and more."""
    monkeypatch.setattr("ari.webhooks.chunks.MAX_SIZE", CHUNK)
    monkeypatch.setattr("ari.webhooks.chunks.MIN_SIZE", CHUNK)
    for place in ("ari.webhooks.replay", "ari.jobs.webhooks"):
        monkeypatch.setattr(f"{place}.ChunkSize", _make_chunk)


def _count_rows(hooks: Hooks, table: str = "webhook_deliveries") -> int:
    with hooks.instance.database.main.begin() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def _reject_all(instance: Instance) -> None:
    with instance.database.main.begin() as connection:
        connection.execute(text("UPDATE webhook_deliveries SET state = 'failed', next_try_at_ms = NULL"))


def _fail(hooks: Hooks, made: Any, count: int) -> None:
    """Deliveries that were given up."""
    for _ in range(count):
        hooks.happen()
    hooks.gather()
    _reject_all(hooks.instance)
    assert {one.state for one in hooks.deliveries(made.webhook)} == {"failed"}


def test_a_removed_webhook_is_gone_at_once(hooks: Hooks) -> None:
    """For everyone, before its deliveries are deleted, a few at a time; another webhook keeps its own."""
    made, other = hooks.add(), hooks.add(["key.revoked"])
    for _ in range(2 * CHUNK):
        hooks.happen()
    hooks.happen("key_revoked")
    hooks.gather()
    hooks.do(management.remove_webhook, made.webhook.id)
    read = Deps(hooks.instance).read_sync
    assert read(management.list_webhooks) == [other.webhook]
    with pytest.raises(NotFound):
        hooks.get(made.webhook)
    with pytest.raises(NotFound):
        hooks.do(management.change_webhook, made.webhook.id, WebhookChange(on=True))
    assert hooks.do(delivery.claim, made.webhook.id, "job_1") is None
    assert read(delivery.count_open)[0] == 1
    before = _count_rows(hooks)
    hooks.do(delivery.forget_removed, _make_chunk())
    assert before - _count_rows(hooks) == CHUNK
    asyncio.run(forget_removed(hooks.instance))
    assert not read(delivery.has_removed)
    assert (_count_rows(hooks), _count_rows(hooks, "webhooks")) == (1, 1)
    assert len(hooks.round()) == 1


def test_the_last_chunk_may_be_full(hooks: Hooks) -> None:
    """The webhook is deleted once there is nothing more of it."""
    for count in (0, CHUNK):
        made = hooks.add()
        for _ in range(count):
            hooks.happen()
        hooks.gather()
        hooks.do(management.remove_webhook, made.webhook.id)
        asyncio.run(forget_removed(hooks.instance))
        assert (_count_rows(hooks), _count_rows(hooks, "webhooks")) == (0, 0)


def test_an_event_during_a_removal_is_for_the_others(hooks: Hooks) -> None:
    """Nothing is queued for what is gone, also if nobody has deleted its deliveries yet."""
    made, other = hooks.add(), hooks.add()
    hooks.do(management.remove_webhook, made.webhook.id)
    hooks.happen()
    hooks.gather()
    assert [one.webhook_id for one in hooks.deliveries(other.webhook)] == [other.webhook.id]
    assert _count_rows(hooks) == 1


def test_all_failed_are_replayed_in_chunks(hooks: Hooks) -> None:
    """Each once, in order, and each chunk is an event that says how many."""
    made = hooks.add()
    _fail(hooks, made, 2 * CHUNK + 1)
    assert hooks.replay_failed(made.webhook) == 2 * CHUNK + 1
    assert {one.state for one in hooks.deliveries(made.webhook)} == {"waiting"}
    events = Deps(hooks.instance).read_sync(lambda tx: tx.events.page(made.webhook.id, None, 10))
    assert [one.detail["count"] for one in events if one.name == "webhook_replayed"] == [1, CHUNK, CHUNK]
    assert len(hooks.round()) == 2 * CHUNK + 1
    assert hooks.replay_failed(made.webhook) == 0


def test_a_replay_ends_where_the_webhook_is_turned_off(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those queued until then are counted, and the rest stays failed."""
    made = hooks.add()
    _fail(hooks, made, 2 * CHUNK)
    queue = replay.replay_some

    def queue_and_turn_off(tx: Any, *given: Any) -> list[str]:
        queued = queue(tx, *given)
        management.change_webhook(tx, made.webhook.id, WebhookChange(on=False))
        return queued

    monkeypatch.setattr(replay, "replay_some", queue_and_turn_off)
    assert hooks.replay_failed(made.webhook) == CHUNK
    assert [one.state for one in hooks.deliveries(made.webhook)].count("failed") == CHUNK
    with pytest.raises(Conflict):
        hooks.replay_failed(made.webhook)


class _FailAgain(Deps):
    """Runs commands; after each, a receiver has rejected all deliveries again."""

    async def do(self, command: Any, /, *args: Any, **kwargs: Any) -> Any:
        done = await Deps(self.instance).do(command, *args, **kwargs)
        _reject_all(self.instance)
        return done


def test_a_replay_takes_no_delivery_twice(hooks: Hooks) -> None:
    """Those that fail again at once aren't queued for ever."""
    made = hooks.add()
    _fail(hooks, made, 2 * CHUNK)
    assert asyncio.run(replay.replay_failed(_FailAgain(hooks.instance), made.webhook.id)) == 2 * CHUNK


def test_counts_go_no_further_than_needed(hooks: Hooks) -> None:
    """A page that says “1,000+” needs no count of 100,000."""
    made = hooks.add()
    _fail(hooks, made, 4)
    read = Deps(hooks.instance).read_sync
    assert read(lambda tx: tx.deliveries.count_failed(made.webhook.id, 3)) == 3
    assert read(lambda tx: tx.deliveries.count_failed(made.webhook.id, 9)) == 4
    assert read(lambda tx: tx.deliveries.count_failed("whk_other", 9)) == 0


def test_old_deliveries_are_deleted_in_chunks(hooks: Hooks) -> None:
    """One transaction deletes a few; the job all of them."""
    made = hooks.add()
    _fail(hooks, made, 2 * CHUNK + 1)
    hooks.clock.advance(31 * DAY_MS / 1000)
    assert hooks.do(delivery.forget_old, 0, _make_chunk()) == CHUNK
    asyncio.run(forget_old(hooks.instance))
    assert hooks.deliveries(made.webhook) == []


def test_events_are_sent_in_their_order(hooks: Hooks) -> None:
    """While nothing fails, also those of one millisecond and of many batches."""
    hooks.add()
    happened = [hooks.happen().id for _ in range(35)]
    sent = [body for _, _, body, _ in hooks.round()]
    assert [one for body in sent for one in happened if one.encode() in body] == happened
