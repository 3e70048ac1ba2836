"""A store that only counts what is folded, and loops that fold it."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ari.base.errors import Unavailable
from ari.usage.fold_loop import FoldLoop


def read_priority() -> tuple[int, int]:
    """The scheduling policy of this thread, and its niceness; zeros where only processes have a priority."""
    if not hasattr(os, "sched_getscheduler"):
        return 0, 0
    return os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


class FoldStore:
    """Has this many entries to fold, and notes the priorities at which they are moved and deleted."""

    def __init__(self, staged: int) -> None:
        self.staged = staged
        self.leads = True
        self.released = False
        self.faults = 0
        self.undeleted = 0
        self.sizes: list[int] = []
        self.moved_at: list[tuple[int, int]] = []
        self.deleted_at: list[tuple[int, int]] = []
        self.checkpoints = 0
        self.added_clients = 0
        self.client_steps = 0
        self.client_faults = 0
        self.clients_added = threading.Event()
        self.asked = 0
        self.partitions_asked = 0
        self.unmoved = 0
        self.refuses_partitions = False
        self.done = threading.Event()

    def acquire_lead(self) -> bool:
        self.asked += 1
        return self.leads

    def restage(self) -> int:
        return 0

    def release_lead(self) -> None:
        self.released = True

    def create_partitions(self) -> int:
        self.partitions_asked += 1
        if self.refuses_partitions:
            raise Unavailable("Another transaction holds the table.")
        return 0

    def move_rows(self) -> bool:
        self.unmoved = max(0, self.unmoved - 1)
        return self.unmoved > 0

    def count_staged(self) -> int:
        return self.staged

    def move(self, most: int) -> int:
        if self.faults:
            self.faults -= 1
            raise Unavailable("The disk is full.")
        moved = min(most, self.staged)
        self.staged -= moved
        self.undeleted += moved
        self.sizes.append(moved)
        self.moved_at.append(read_priority())
        return moved

    def delete_folded(self) -> None:
        self.undeleted = 0
        self.deleted_at.append(read_priority())
        if not self.staged:
            self.done.set()

    def add_clients(self) -> bool:
        if self.client_faults:
            self.client_faults -= 1
            raise Unavailable("The statement took too long.")
        self.added_clients += 1
        self.clients_added.set()
        self.client_steps = max(0, self.client_steps - 1)
        self.sizes.append(0)
        return self.client_steps > 0

    def checkpoint(self) -> None:
        self.checkpoints += 1


@contextmanager
def run_loop(store: FoldStore, clock: Callable[[], float], **options: Any) -> Iterator[threading.Thread]:
    """A loop that folds the store in a thread until the end of the block."""
    loop = FoldLoop(store, clock, **options)
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        yield thread
    finally:
        loop.stop()
        thread.join(30)
        assert not thread.is_alive()
