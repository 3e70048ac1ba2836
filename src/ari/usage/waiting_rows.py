"""Rows that wait for a commit, and their callers."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ari.base.errors import Unavailable
from ari.usage.model import Attempt, UsageRow
from ari.usage.ports import Batch

MAX_ROWS_PER_COMMIT = 1_000
"""Bounds how long one commit makes others wait, in this and other processes."""


class SharedFuture(asyncio.Future[None]):
    """What several callers wait for. A canceled caller must not cancel the others: it waits with them first."""

    def cancel(self, msg: Any = None) -> bool:  # noqa: ARG002 - as asyncio has it
        return False


@dataclass(slots=True)
class WaitingRows:
    """Rows and attempts to commit together, and the future of their callers. Times are the event loop's.

    Callers may join until ``open_until``; their deadline is that of the first.
    """

    rows: list[UsageRow]
    attempts: list[Attempt]
    waiter: asyncio.Future[None]
    deadline: float
    open_until: float

    @property
    def size(self) -> int:
        return len(self.rows) + len(self.attempts)


def fits(batch: Batch, entry: WaitingRows) -> bool:
    """Whether the commit stays within its bound with this entry; an empty one takes any."""
    held = len(batch.rows) + len(batch.attempts)
    return held == 0 or held + entry.size <= MAX_ROWS_PER_COMMIT


def fail(entries: Iterable[WaitingRows], sentence: str) -> None:
    """Raise ``Unavailable`` in the callers that still wait."""
    for entry in entries:
        if not entry.waiter.done():
            entry.waiter.set_exception(Unavailable(sentence))
