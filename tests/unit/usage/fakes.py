"""A usage store whose disk a test holds in its hand, and how a scenario lets time pass."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator, Sequence
from copy import deepcopy
from typing import Any

from ari.keys.limits.charge import RuleOwner
from ari.keys.limits.counter import Remaining
from ari.keys.limits.spending import BudgetState
from ari.usage.model import Attempt, KeyClient, KeyTotals, UsageFilter, UsageRow
from ari.usage.ports import Batch
from ari.usage.recorder import UsageRecorder


class FakeStore:
    """Remembers committed batches. ``hold`` stops the disk, ``faults`` are raised by the next commits.

    ``begun`` counts commits, also those that didn't end.
    """

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.faults: list[Exception] = []
        self.removals: list[int] = []
        self.staged = 0
        self.begun = 0
        self._free = threading.Event()
        self._free.set()

    def hold(self) -> None:
        """From now on commits hang."""
        self._free.clear()

    def release(self) -> None:
        """Let commits go on."""
        self._free.set()

    @property
    def rows(self) -> list[UsageRow]:
        return [row for batch in self.batches for row in batch.rows]

    def commit(self, batch: Batch) -> None:
        taken = deepcopy(batch)
        self.begun += 1
        self._free.wait(30)
        if self.faults:
            raise self.faults.pop(0)
        self.batches.append(taken)

    def count_staged(self) -> int:
        return self.staged

    def page(self, where: UsageFilter, before_id: str | None, limit: int) -> list[UsageRow]:
        return []

    def read_remaining(self, owners: Sequence[RuleOwner]) -> list[Remaining]:
        return []

    def read_budgets(self, owners: Sequence[RuleOwner]) -> list[BudgetState]:
        return []

    def list_most_used(self, limit: int) -> list[str]:
        return []

    def totals(self, key_ids: Sequence[str]) -> dict[str, KeyTotals]:
        return {}

    def attempts(self, since_ms: int, limit: int) -> list[Attempt]:
        return []

    def addresses(self, key_id: str, limit: int) -> list[KeyClient]:
        return []

    def agents(self, key_id: str, limit: int) -> list[KeyClient]:
        return []

    def erase_address(self, address: str) -> int:
        return 0

    def remove_before(self, before_ms: int) -> Generator[int]:
        yield from self.removals


class Disk:
    """How much room the disk has left, and how often that was asked."""

    def __init__(self) -> None:
        self.free = 10**12
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        if self.free < 0:
            raise OSError("the disk does not say")
        return self.free


async def run_turns(count: int = 5) -> None:
    """Let everything run that can."""
    for _ in range(count):
        await asyncio.sleep(0)


async def wait_until(what: Callable[[], bool]) -> None:
    """Wait for another thread."""
    async with asyncio.timeout(20):
        while not what():
            await asyncio.sleep(0.001)


Scenario = Callable[[UsageRecorder, FakeStore], Coroutine[Any, Any, None]]
Play = Callable[..., None]
