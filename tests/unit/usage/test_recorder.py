import asyncio
import gc
import threading
import time
from pathlib import Path

import pytest

from ari.base.errors import Unavailable
from ari.base.settings import Settings
from ari.usage import recorder as log_module
from ari.usage.back_pressure import BackPressure
from ari.usage.model import Attempt, Completion
from ari.usage.recorder import UsageRecorder
from tests.support.clock import FrozenClock
from tests.support.instances import START_MS
from tests.support.usage import OTHER_KEY, make_row
from tests.unit.usage.fakes import Disk, FakeStore, Play, run_turns, wait_until


def test_write_returns_only_after_the_commit(play: Play) -> None:
    """A response is in the log before its caller gets it."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        store.hold()
        row = make_row()
        writing = asyncio.create_task(usage.write(row))
        counting = asyncio.create_task(usage.count("unknown", "192.0.2.1"))
        await run_turns(50)
        assert not writing.done()
        assert not counting.done()
        store.release()
        await asyncio.gather(writing, counting)
        assert store.batches[0].rows == [row]
        assert store.batches[0].attempts == [Attempt(START_MS, "unknown", "192.0.2.1")]

    play(scenario)


def test_requests_in_flight_share_one_commit(play: Play) -> None:
    """All of one turn of the loop, and all that come while a commit runs."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        await asyncio.gather(*(usage.write(make_row()) for _ in range(64)))
        assert [len(batch.rows) for batch in store.batches] == [64]
        store.hold()
        first = asyncio.create_task(usage.write(make_row()))
        await run_turns()
        others = [asyncio.create_task(usage.write(make_row())) for _ in range(40)]
        await run_turns()
        store.release()
        await asyncio.gather(first, *others)
        assert [len(batch.rows) for batch in store.batches] == [64, 1, 40]

    play(scenario)


def test_commits_pause_only_while_folds_are_behind(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 5: a pause of no time at all would cost each request 0.1 ms, since the kernel sets a timer for it."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        await usage.write(make_row())
        assert pauses == []
        monkeypatch.setattr(BackPressure, "pause_seconds", lambda _: 0.25)
        await usage.write(make_row())
        assert pauses == [0.25]

    play(scenario)


def test_one_commit_has_bounds(play: Play) -> None:
    """However many wait, others get their turn at the disk; the order stays."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        rows = [make_row() for _ in range(2_500)]
        await asyncio.gather(*map(usage.write, rows))
        assert [len(batch.rows) for batch in store.batches] == [1_000, 1_000, 500]
        assert store.rows == rows

    play(scenario)


def test_a_failed_commit_fails_for_all_its_callers_and_no_other(play: Play) -> None:
    """They get 503 and may try again; the log says that it fails until it works again."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        store.faults.append(Unavailable("The disk is full."))
        given = await asyncio.gather(usage.write(make_row()), usage.count("missing", None), return_exceptions=True)
        assert [str(error) for error in given] == ["The disk is full."] * 2
        assert [type(error) for error in given] == [Unavailable] * 2
        failing = [usage.failing]
        await usage.write(make_row())
        assert [*failing, usage.failing] == ["The disk is full.", None]
        assert len(store.rows) == 1

    play(scenario)


def test_a_failure_lapses_when_nobody_asks_any_more(play: Play, clock: FrozenClock) -> None:
    """A balancer that heard of it sends no requests, and only they can show that all is well again."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        store.faults.append(Unavailable("The disk is full."))
        await asyncio.gather(usage.write(make_row()), return_exceptions=True)
        clock.advance(9)
        assert usage.failing == "The disk is full."
        clock.advance(1)
        assert usage.failing is None

    play(scenario)


def test_a_disk_that_takes_too_long_is_a_failure_too(play: Play) -> None:
    """Until the first commit that ends."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        store.hold()
        with pytest.raises(Unavailable):
            await usage.write(make_row())
        assert usage.failing is not None
        store.release()
        await wait_until(lambda: bool(store.rows))
        await run_turns()
        await usage.write(make_row())
        assert usage.failing is None

    play(scenario, usage_wait_seconds=0.05)


def test_whatever_breaks_in_the_store_is_a_no(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    """A fault of our own too; its words, which may quote a caller, are not repeated."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        store.faults.append(RuntimeError("private words"))
        with pytest.raises(Unavailable) as raised:
            await usage.write(make_row())
        assert "private" not in str(raised.value)
        await usage.write(make_row())

    play(scenario)
    assert "RuntimeError" in caplog.text
    assert "private" not in caplog.text


def test_a_caller_waits_no_longer_than_its_patience_but_its_row_is_written(play: Play) -> None:
    """A slow disk leads to 503 in a bounded time, and the loop is free in the meantime."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        store.hold()
        rows = [make_row() for _ in range(3)]
        first = asyncio.create_task(usage.write(rows[0]))
        await run_turns()
        for task in (first, *(asyncio.create_task(usage.write(row)) for row in rows[1:])):
            with pytest.raises(Unavailable):
                await task
        store.release()
        await wait_until(lambda: len(store.rows) == 3)
        assert store.rows == rows

    play(scenario, usage_wait_seconds=0.1)


def test_each_caller_has_its_own_patience(play: Play) -> None:
    """Later callers get their result later; nobody is forgotten."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        store.hold()
        first = asyncio.create_task(usage.write(make_row()))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(usage.write(make_row()))
        with pytest.raises(Unavailable):
            await first
        assert not second.done()
        with pytest.raises(Unavailable):
            await second

    play(scenario, usage_wait_seconds=0.2)


def test_a_caller_that_hangs_up_is_logged_all_the_same(play: Play) -> None:
    """Its request came, even if nobody wants the response any more."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        store.hold()
        rows = [make_row() for _ in range(3)]
        writing = [asyncio.create_task(usage.write(row)) for row in rows]
        await run_turns()
        for task in writing[:2]:
            task.cancel()
        await run_turns()
        store.release()
        await writing[2]
        assert [task.cancelled() for task in writing] == [True, True, False]
        assert store.rows == rows

    play(scenario)


def test_a_completion_goes_out_by_a_later_commit_without_waiting(play: Play) -> None:
    """The response is not held for it."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        row = make_row(status=None)
        await usage.write(row)
        store.hold()
        usage.complete(Completion(row.id, 201, 3.5, None))
        store.release()
        await wait_until(lambda: len(store.batches) == 2)
        assert store.batches[1].completions == [Completion(row.id, 201, 3.5, None)]

    play(scenario)


def test_completions_outlive_failed_commits(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their responses are out already, so they are retried automatically, in their order."""
    monkeypatch.setattr(log_module, "RETRY_SECONDS", 0.01)

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        done = [Completion(f"req_{n}", 200, 1.0, None) for n in range(3)]
        store.faults += [Unavailable("gone")] * 3
        usage.complete(done[0])
        await wait_until(lambda: len(store.faults) == 2)
        usage.complete(done[1])
        usage.complete(done[2])
        await wait_until(lambda: bool(store.batches))
        assert [one for batch in store.batches for one in batch.completions] == done

    play(scenario)


def test_completions_are_bounded(play: Play) -> None:
    """While a disk is gone for long, the oldest are forgotten first."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        store.hold()
        for n in range(100):
            usage.complete(Completion(f"req_{n}", 200, 1.0, None))
            await asyncio.sleep(0)
        store.release()
        await usage.stop()
        given = [one.id for batch in store.batches for one in batch.completions]
        assert given[-5:] == [f"req_{n}" for n in range(95, 100)]
        assert len(given) <= 10

    play(scenario, usage_buffer_rows=5)


def test_stop_writes_all_that_is_there(play: Play) -> None:
    """SIGTERM loses nothing; later rows are refused."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        store.hold()
        row = make_row()
        writing = [asyncio.create_task(usage.write(one)) for one in (row, make_row(), make_row())]
        await run_turns()
        usage.complete(Completion(row.id, 200, 1.0, None))
        stopping = asyncio.create_task(usage.stop())
        await run_turns()
        with pytest.raises(Unavailable):
            await usage.write(make_row())
        store.release()
        await stopping
        await asyncio.gather(*writing)
        assert len(store.rows) == 3
        assert sum(len(batch.completions) for batch in store.batches) == 1

    play(scenario, usage_buffer_rows=2)


def test_stop_ends_although_the_disk_hangs(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    """It gives up after a while, refuses the callers and says so."""
    before = threading.enumerate()

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        [thread] = [one for one in threading.enumerate() if one.name == "ari usage log" and one not in before]
        store.hold()
        writing = asyncio.create_task(usage.write(make_row()))
        await run_turns()
        await usage.stop()
        with pytest.raises(Unavailable):
            await writing
        assert thread.is_alive()
        store.release()
        await wait_until(lambda: not thread.is_alive())

    play(scenario, usage_wait_seconds=0.05)
    assert "before everything in it was written" in caplog.text


def test_a_log_that_was_never_started_says_no(tmp_path: Path, clock: FrozenClock, disk: Disk) -> None:
    """Rather than to keep a row that nobody writes; stopping it is no fault."""

    async def scenario() -> None:
        usage = UsageRecorder(FakeStore(), clock, Settings(data_dir=tmp_path), disk)
        with pytest.raises(Unavailable):
            await usage.write(make_row())
        await usage.stop()

    asyncio.run(scenario())


def test_no_error_is_left_unread(play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    """Callers that left before their commit failed leave no complaint of the loop behind."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        store.hold()
        store.faults.append(Unavailable("gone"))
        writing = asyncio.create_task(usage.write(make_row()))
        await run_turns()
        writing.cancel()
        await run_turns()
        store.release()
        await wait_until(lambda: not store.faults)
        await usage.write(make_row())

    play(scenario)
    gc.collect()
    assert "never retrieved" not in capsys.readouterr().err


def test_many_keys_share_a_commit_with_attempts_and_completions(play: Play) -> None:
    """One transaction carries whatever is there."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        async def complete() -> None:
            usage.complete(Completion("req_x", 200, 1.0, None))

        await asyncio.gather(
            complete(),
            usage.write(make_row()),
            usage.write(make_row(key_id=OTHER_KEY)),
            usage.count("missing", "192.0.2.1"),
        )
        [batch] = store.batches
        assert (len(batch.rows), len(batch.attempts), len(batch.completions)) == (2, 1, 1)

    play(scenario)
