"""Completions wait for rows to be committed with, as nobody waits for them."""

import asyncio

import pytest

from ari.keys.limits.charge import Settlement
from ari.keys.limits.spending import NOTHING
from ari.usage import recorder as log_module
from ari.usage.model import Completion
from ari.usage.recorder import UsageRecorder
from tests.support.usage import make_ai_use, make_row
from tests.unit.usage.fakes import FakeStore, Play, run_turns, wait_until


def test_completions_share_the_commit_of_the_next_rows(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 5: a request that is alone costs one commit, not two or three."""
    monkeypatch.setattr(log_module, "COMPLETION_SECONDS", 600)

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        rows = [make_row(status=None), make_row()]
        await usage.write(rows[0])
        usage.complete(Completion(rows[0].id, 201, 3.5, None))
        usage.meter(make_ai_use(rows[0].id))
        await run_turns(50)
        assert len(store.batches) == 1
        await usage.write(rows[1])
        assert [(len(batch.rows), len(batch.completions)) for batch in store.batches] == [(1, 0), (1, 2)]

    play(scenario)


def test_a_settlement_waits_for_no_rows(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 3: what a request reserved too much is there for the next one, also on other nodes."""
    monkeypatch.setattr(log_module, "COMPLETION_SECONDS", 600)

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        usage.complete(Completion("req_1", 201, 3.5, None))
        usage.meter(make_ai_use("req_1", settlement=Settlement((), NOTHING)))
        await wait_until(lambda: len(store.batches) == 1)
        assert len(store.batches[0].completions) == 2
        store.hold()
        usage.meter(make_ai_use("req_2", settlement=Settlement((), NOTHING)))
        await run_turns()
        usage.meter(make_ai_use("req_3", settlement=Settlement((), NOTHING)))
        store.release()
        await wait_until(lambda: len(store.batches) == 3)

    play(scenario)


def test_stop_does_not_wait_for_rows_to_share(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 2: SIGTERM right after a response keeps its status."""
    monkeypatch.setattr(log_module, "COMPLETION_SECONDS", 600)

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        store.hold()
        writing = asyncio.create_task(usage.write(make_row()))
        await run_turns()
        usage.complete(Completion("req_1", 201, 3.5, None))
        stopping = asyncio.create_task(usage.stop())
        await run_turns()
        store.release()
        await asyncio.gather(writing, stopping)
        assert [one.id for batch in store.batches for one in batch.completions] == ["req_1"]

    play(scenario)
