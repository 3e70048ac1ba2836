import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ari.base.settings import Settings
from ari.usage.recorder import UsageRecorder
from tests.support.clock import FrozenClock
from tests.support.instances import START_MS
from tests.unit.usage.fakes import Disk, FakeStore, Scenario


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(START_MS)


@pytest.fixture
def play(tmp_path: Path, clock: FrozenClock, disk: Disk) -> Callable[..., None]:
    """Runs a scenario with a started log; fails if a task or a thread is left over."""

    @asynccontextmanager
    async def running_recorder(settings: dict[str, Any]) -> AsyncIterator[tuple[UsageRecorder, FakeStore]]:
        store = FakeStore()
        usage = UsageRecorder(store, clock, Settings(data_dir=tmp_path, **settings), disk)
        await usage.start()
        try:
            yield usage, store
        finally:
            store.release()
            await usage.stop()

    async def run(scenario: Scenario, settings: dict[str, Any]) -> None:
        async with running_recorder(settings) as (usage, store):
            await scenario(usage, store)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    def play(scenario: Scenario, **settings: Any) -> None:
        before = set(threading.enumerate())
        asyncio.run(run(scenario, settings))
        left = set(threading.enumerate()) - before
        assert [thread.name for thread in left if thread.name == "ari usage log"] == []

    return play
