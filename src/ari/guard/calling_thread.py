"""Deciding on the thread that calls, and logging without the thread of the event loop in between (decision 90)."""

import os
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from ari.instance import Instance
    from ari.usage.ports import ThreadKeyLookup
    from ari.usage.thread_rows import ThreadWriter

T = TypeVar("T")


def run_at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for no event loop. Raises what it raises."""
    try:
        work.send(None)
    except StopIteration as ended:
        result: T = ended.value
        return result
    work.close()
    raise RuntimeError("This coroutine waits for an event loop.")


class CallingThreads:
    """The parts of an open instance that threads use. None of it crosses a fork."""

    def __init__(self, lookup: "ThreadKeyLookup", writer: "ThreadWriter") -> None:
        self.lookup = lookup
        self.writer = writer
        self._pid = os.getpid()

    @property
    def are_of_this_process(self) -> bool:
        """Whether they were opened after the last fork."""
        return self._pid == os.getpid()


def open_calling_threads(instance: "Instance") -> CallingThreads | None:
    """``None`` where every request has to wait for its database, which the event loop does for many at once."""
    lookup = instance.open_thread_lookup()
    return None if lookup is None else CallingThreads(lookup, instance.usage.thread_writer)
