"""Threads without an event loop log their requests through the thread that commits, which keeps every promise."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ari.base.errors import Unavailable
from ari.base.settings import Settings
from ari.guard.calling_thread import run_at_once
from ari.usage import thread_rows
from ari.usage.back_pressure import BackPressure
from ari.usage.floods import MAX_LISTED_PER_MINUTE
from ari.usage.model import Completion, UsageRow
from ari.usage.recorder import UsageRecorder
from tests.support.clock import FrozenClock
from tests.support.usage import make_row
from tests.unit.usage.fakes import Disk, FakeStore, Play, wait_until


def write(usage: UsageRecorder, row: UsageRow | None = None) -> None:
    """Log one request on this thread."""
    run_at_once(usage.thread_writer.write(row or make_row()))


def start(threads: ThreadPoolExecutor, usage: UsageRecorder, rows: list[UsageRow]) -> list["asyncio.Future[None]"]:
    """One thread for each row."""
    return [asyncio.wrap_future(threads.submit(write, usage, row)) for row in rows]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(12) as pool:
        yield pool


def test_threads_that_wait_share_the_next_commit(play: Play, threads: ThreadPoolExecutor) -> None:
    """Each is released by the commit of its own row."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        rows = [make_row() for _ in range(11)]
        store.hold()
        writing = start(threads, usage, rows[:1])
        await wait_until(lambda: store.begun == 1)
        writing += start(threads, usage, rows[1:])
        await wait_until(lambda: len(usage.thread_rows) == 10)
        assert not any(one.done() for one in writing)
        store.release()
        await asyncio.gather(*writing)
        assert [len(batch.rows) for batch in store.batches] == [1, 10]
        assert {row.id for row in store.rows} == {row.id for row in rows}

    play(scenario)


def test_a_thread_waits_no_longer_than_it_may_but_its_row_is_written(play: Play, threads: ThreadPoolExecutor) -> None:
    """A disk that hangs leads to 503 in a bounded time, for every thread."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        store.hold()
        given = await asyncio.gather(*start(threads, usage, [make_row(), make_row()]), return_exceptions=True)
        assert [type(error) for error in given] == [Unavailable] * 2
        await wait_until(lambda: usage.failing is not None)
        store.release()
        await wait_until(lambda: len(store.rows) == 2)
        await asyncio.gather(*start(threads, usage, [make_row()]))
        await wait_until(lambda: usage.failing is None)

    play(scenario, usage_wait_seconds=0.05)


def test_a_failed_commit_fails_for_its_threads_and_no_other(play: Play, threads: ThreadPoolExecutor) -> None:
    """And keeps what completes rows for another try."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        done = Completion(make_row().id, 201, 1.0, None)
        store.hold()
        first = start(threads, usage, [make_row()])
        await wait_until(lambda: store.begun == 1)
        usage.thread_writer.complete(done)
        second = start(threads, usage, [make_row()])
        await wait_until(lambda: len(usage.thread_rows) == 2)
        store.faults += [RuntimeError("private words"), Unavailable("The disk is full.")]
        store.release()
        given = await asyncio.gather(*first, *second, return_exceptions=True)
        assert [str(error) for error in given] == ["The usage log can't be written right now.", "The disk is full."]
        await asyncio.gather(*start(threads, usage, [make_row()]))
        await wait_until(lambda: [one for batch in store.batches for one in batch.completions] == [done])

    play(scenario)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_thread_loses_nothing_and_stops_nobody(
    play: Play, monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]
) -> None:
    """A signal of a server that stops, or of its time limit, reaches a thread that waits, or was about to."""

    class Interrupted(thread_rows.ThreadRow):
        def __init__(self, row: UsageRow) -> None:
            super().__init__(row)
            self.done = self  # type: ignore[assignment]  # in the place of its lock

        def acquire(self, timeout: float) -> bool:
            raise interruption

        def release(self) -> None:
            """Nobody waits."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        row = make_row()
        with monkeypatch.context() as patch:
            patch.setattr(thread_rows, "ThreadRow", Interrupted)
            with pytest.raises(interruption):
                write(usage, row)
        await asyncio.to_thread(write, usage)
        assert row in store.rows
        assert len(store.rows) == 2

    play(scenario)


def test_a_stop_writes_what_waits_and_takes_no_more(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a thread was interrupted before it woke the one that commits."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        row = make_row()
        with monkeypatch.context() as patch:
            patch.setattr(usage.thread_rows, "wake", interrupt)
            with pytest.raises(KeyboardInterrupt):
                write(usage, row)
        await usage.stop()
        assert store.rows == [row]
        with pytest.raises(Unavailable, match="isn't running"):
            write(usage)

    play(scenario)


def test_only_commits_with_rows_pause_while_folds_are_behind(
    play: Play, monkeypatch: pytest.MonkeyPatch, threads: ThreadPoolExecutor
) -> None:
    """Each thread wakes the one that commits, which must not pause for those that an earlier commit took."""
    pauses: list[float] = []

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        monkeypatch.setattr(BackPressure, "pause_seconds", lambda _: 0.25)
        monkeypatch.setattr(time, "sleep", pauses.append)
        store.hold()
        writing = start(threads, usage, [make_row()])
        await wait_until(lambda: store.begun == 1)
        writing += start(threads, usage, [make_row() for _ in range(5)])
        await wait_until(lambda: len(usage.thread_rows) == 5)
        store.release()
        await asyncio.gather(*writing)

    play(scenario)
    assert pauses == [0.25] * 2


def test_a_flood_of_refusals_is_one_row_whichever_way_they_come(play: Play) -> None:
    """Its bound is that of the process (security.md 18)."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        for _ in range(MAX_LISTED_PER_MINUTE // 2):
            await usage.write(make_row(code="revoked"))
            await asyncio.to_thread(write, usage, make_row(code="revoked"))
        for _ in range(3):
            await asyncio.to_thread(write, usage, make_row(code="revoked"))
        assert len({row.id for row in store.rows}) == MAX_LISTED_PER_MINUTE + 1
        assert store.rows[-1].count == 3

    play(scenario)


def test_both_ways_at_once_keep_every_row(play: Play, threads: ThreadPoolExecutor) -> None:
    """Of an app whose views are sync and async."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        rows = [make_row() for _ in range(200)]
        await asyncio.gather(*start(threads, usage, rows[:100]), *map(usage.write, rows[100:]))
        assert sorted(row.id for row in store.rows) == sorted(row.id for row in rows)

    play(scenario)


def test_a_full_buffer_takes_no_row_of_a_thread_that_gave_up_in_line(play: Play, threads: ThreadPoolExecutor) -> None:
    """A disk that hangs fills no memory, whatever the number of requests."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        store.hold()
        buffered = [make_row(), make_row(), make_row()]
        given = []
        for row in buffered:
            given += await asyncio.gather(*start(threads, usage, [row]), return_exceptions=True)
        given += await asyncio.gather(*start(threads, usage, [make_row() for _ in range(10)]), return_exceptions=True)
        assert [type(error) for error in given] == [Unavailable] * 13
        assert usage.thread_rows.held == 3
        store.release()
        await wait_until(lambda: not usage.thread_rows.held)
        assert store.rows == buffered

    play(scenario, usage_wait_seconds=0.05, usage_buffer_rows=3)


def test_threads_in_line_are_written_when_there_is_room(play: Play, threads: ThreadPoolExecutor) -> None:
    """Within the time limit nobody gets a 503 for a burst."""

    async def scenario(usage: UsageRecorder, store: FakeStore) -> None:
        rows = [make_row() for _ in range(12)]
        store.hold()
        writing = start(threads, usage, rows)
        await wait_until(lambda: len(usage.thread_rows) + usage.thread_rows.held >= 12)
        store.release()
        await asyncio.gather(*writing)
        assert sorted(row.id for row in store.rows) == sorted(row.id for row in rows)

    play(scenario, usage_buffer_rows=3)


def test_a_log_whose_event_loop_is_gone_is_unavailable(tmp_path: Path, clock: FrozenClock, disk: Disk) -> None:
    """A 503, like any other log that can't be written in time."""
    store = FakeStore()
    usage = UsageRecorder(store, clock, Settings(data_dir=tmp_path, usage_wait_seconds=0.05), disk)
    asyncio.run(usage.start())
    store.hold()
    with pytest.raises(Unavailable, match="in time"):
        write(usage)
    store.release()
    asyncio.run(usage.stop())
