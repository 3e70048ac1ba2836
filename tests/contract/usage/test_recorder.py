"""Promise 2 at a stop: wherever it comes, what a caller saw is in the log with its status, on every database."""

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ari.base.errors import Unavailable
from ari.instance import Instance
from ari.usage import commit_thread, recorder
from ari.usage.model import Completion, UsageRow
from ari.usage.ports import Batch
from ari.usage.recorder import UsageRecorder
from tests.support.instances import opened
from tests.support.usage import make_row, rows_of


class Disk:
    """The store of an instance, whose commits wait while it is held, and fail as often as ``failures`` says."""

    def __init__(self, instance: Instance) -> None:
        self._store = instance.database.usage
        self.count_staged = self._store.count_staged
        self.failures = 0
        self.begun = 0
        self.free = threading.Event()
        self.free.set()

    def commit(self, batch: Batch) -> None:
        self.begun += 1
        assert self.free.wait(30)
        if self.failures:
            self.failures -= 1
            raise Unavailable("The disk is full.")
        self._store.commit(batch)


class Served:
    """A log whose unsafe requests have a row without a status, which callers see; ``end`` says how they ended."""

    def __init__(self, instance: Instance, wait_seconds: float = 5.0) -> None:
        self._instance = instance
        self.disk = Disk(instance)
        settings = instance.settings.model_copy(update={"usage_wait_seconds": wait_seconds})
        self.usage = UsageRecorder(self.disk, instance.clock, settings, lambda: 2**40)
        self.statuses: dict[str, int] = {}

    async def begin(self, count: int) -> list[UsageRow]:
        """Start, and commit so many rows."""
        await self.usage.start()
        rows = [make_row(method="POST", status=None, duration_ms=None, bytes=None) for _ in range(count)]
        await asyncio.gather(*map(self.usage.write, rows))
        return rows

    def end(self, row: UsageRow, is_of_thread: bool = False) -> None:
        """Send the response of one request."""
        status = self.statuses[row.id] = random.choice((201, 204, 409))
        complete = self.usage.thread_writer.complete if is_of_thread else self.usage.complete
        complete(Completion(row.id, status, 1.5, None))

    async def wait_for_commits(self, count: int) -> None:
        """Wait until so many began."""
        async with asyncio.timeout(20):
            while self.disk.begun < count:
                await asyncio.sleep(0.001)

    def read_statuses(self) -> dict[str, int | None]:
        return {row.id: row.status for row in rows_of(self._instance.database)}


@pytest.fixture
def instance(data_dir: Path, database_url: str | None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    monkeypatch.setattr(commit_thread, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(recorder, "RETRY_SECONDS", 0.01)
    with opened(data_dir, database_url) as found:
        yield found


@pytest.mark.parametrize("failures", [0, 3])
@pytest.mark.parametrize("is_of_thread", [False, True])
def test_a_stop_before_the_hand_over_loses_nothing(instance: Instance, is_of_thread: bool, failures: int) -> None:
    """The response was sent in the same tick; also where the next commits fail."""
    served = Served(instance)

    async def scenario() -> None:
        rows = await served.begin(3)
        served.disk.failures = failures
        for row in rows:
            served.end(row, is_of_thread)
        await served.usage.stop()

    asyncio.run(scenario())
    assert served.read_statuses() == served.statuses


@pytest.mark.parametrize("failures", [0, 1, 3])
@pytest.mark.parametrize("is_of_thread", [False, True])
def test_a_stop_while_a_commit_runs_loses_nothing(instance: Instance, is_of_thread: bool, failures: int) -> None:
    """Neither what it commits, what waits for the next, nor what comes after the stop began."""
    served = Served(instance)

    async def scenario() -> None:
        running, waiting, late = await served.begin(3)
        begun = served.disk.begun
        served.disk.failures = failures
        served.disk.free.clear()
        served.end(running, is_of_thread)
        await served.wait_for_commits(begun + 1)
        served.end(waiting, is_of_thread)
        stopping = asyncio.create_task(served.usage.stop())
        await asyncio.sleep(0)
        served.end(late, is_of_thread)
        served.disk.free.set()
        await stopping

    asyncio.run(scenario())
    assert served.read_statuses() == served.statuses


@pytest.mark.parametrize("is_of_thread", [False, True])
def test_a_response_after_the_stop_is_logged(instance: Instance, is_of_thread: bool) -> None:
    """Of a server that stopped with requests in progress, or of a thread that ends after the event loop."""
    served = Served(instance)

    async def scenario() -> None:
        inside, outside = await served.begin(2)
        await served.usage.stop()
        served.end(inside, is_of_thread)
        await asyncio.to_thread(served.end, outside, True)

    asyncio.run(scenario())
    assert served.read_statuses() == served.statuses


@pytest.mark.parametrize("failures", [0, 1])
def test_a_canceled_stop_loses_nothing(instance: Instance, failures: int) -> None:
    """A server that is stopped twice; rows whose callers saw no response may be missing."""
    served = Served(instance)

    async def scenario() -> None:
        rows = await served.begin(2)
        begun = served.disk.begun
        served.disk.failures = failures
        served.disk.free.clear()
        served.end(rows[0])
        await served.wait_for_commits(begun + 1)
        served.end(rows[1])
        unseen = asyncio.create_task(served.usage.write(make_row()))
        stopping = asyncio.create_task(served.usage.stop())
        await asyncio.sleep(0)
        stopping.cancel()
        await asyncio.sleep(0)
        served.disk.free.set()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        with pytest.raises(Unavailable):
            await unseen

    asyncio.run(scenario())
    assert served.statuses.items() <= served.read_statuses().items()


@pytest.mark.parametrize("failures", [0, 1])
@pytest.mark.parametrize("is_of_thread", [False, True])
def test_a_loop_that_ended_loses_nothing(instance: Instance, is_of_thread: bool, failures: int) -> None:
    """As in scripts: its last commit runs, and may fail, when there is no loop that would hear of it."""
    served = Served(instance)

    async def scenario() -> None:
        rows = await served.begin(2)
        begun = served.disk.begun
        served.disk.failures = failures
        served.disk.free.clear()
        served.end(rows[0], is_of_thread)
        await served.wait_for_commits(begun + 1)
        served.end(rows[1], is_of_thread)

    asyncio.run(scenario())
    served.disk.free.set()
    asyncio.run(served.usage.stop())
    assert served.read_statuses() == served.statuses


def test_a_disk_that_hung_through_the_stop_gets_what_waited(instance: Instance) -> None:
    """If the process lives long enough to see it work again."""
    served = Served(instance, wait_seconds=0.5)

    async def scenario() -> None:
        rows = await served.begin(3)
        begun = served.disk.begun
        served.disk.free.clear()
        served.end(rows[0])
        await served.wait_for_commits(begun + 1)
        served.end(rows[1])
        await served.usage.stop()
        served.end(rows[2])
        served.disk.free.set()
        async with asyncio.timeout(20):
            while served.read_statuses() != served.statuses:
                await asyncio.sleep(0.01)

    asyncio.run(scenario())


def test_a_stop_at_any_moment_loses_nothing(instance: Instance) -> None:
    """Threads and the loop send responses all the while, and some commits fail.

    A status whose commit fails after the end of the stop is written with the next.
    """
    chance = random.Random()

    async def scenario(served: Served) -> None:
        *rows, last = await served.begin(61)
        sending: Callable[..., object] = served.end
        threads = [asyncio.create_task(asyncio.to_thread(sending, row, True)) for row in rows[::2]]
        stop_at = chance.randrange(30)
        stopping: asyncio.Task[None] | None = None
        for number, row in enumerate(rows[1::2]):
            if number == stop_at:
                stopping = asyncio.create_task(served.usage.stop())
            served.disk.failures += chance.random() < 0.2
            served.end(row)
            await asyncio.sleep(chance.choice((0, 0, 0.001)))
        served.disk.failures = 0
        assert stopping is not None
        await asyncio.gather(stopping, *threads)
        served.end(last)

    for _ in range(5):
        served = Served(instance)
        asyncio.run(scenario(served))
        assert served.statuses.items() <= served.read_statuses().items()
