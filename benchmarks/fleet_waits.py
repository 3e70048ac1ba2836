"""What PostgreSQL's sessions wait for under load, sampled from ``pg_stat_activity`` and ``pg_locks``.

A row or lock that all nodes need would show as ``Lock``: sessions would wait for each other while processors are free.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.stats import number

if TYPE_CHECKING:
    import psycopg

EVERY_SECONDS = 0.02
RUNNING = "running, or waiting for a processor"
_BUSY = 0.9
"""The share of all cores from which the processors are the limit."""
_MANY = 0.2
"""The share of active sessions whose waiting is the limit."""
_SESSIONS = f"""SELECT coalesce(wait_event_type || ': ' || wait_event, '{RUNNING}'), count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'ari%' AND state <> 'idle' GROUP BY 1"""
_BLOCKED = """SELECT count(*) FROM pg_locks AS asked JOIN pg_stat_activity AS session USING (pid)
    WHERE NOT granted AND session.datname = current_database() AND session.application_name LIKE 'ari%'"""
_IDLE = (3, 4)
"""The fields of ``/proc/stat`` that count idle time, and idle time while a disk works."""


@dataclass
class Waits:
    """Sessions that weren't idle, by what they waited for; ``busy`` is the used share of all cores."""

    samples: int = 0
    sessions: Counter[str] = field(default_factory=Counter)
    blocked: int = 0
    busy: float = 0.0

    @property
    def active(self) -> float:
        """How many sessions were not idle, on average."""
        return self.sessions.total() / max(1, self.samples)

    def share_of(self, *names: str) -> float:
        """The share of active sessions with one of these waits; a name may be the beginning of several."""
        found = sum(count for wait, count in self.sessions.items() if wait.startswith(names))
        return found / max(1, self.sessions.total())

    def name_limit(self) -> str:
        """What limits the throughput."""
        if self.share_of("Lock", "LWLock: BufferContent") >= _MANY:
            return "a lock that sessions share"
        if self.busy >= _BUSY:
            return "the processors"
        if self.share_of("IO", "LWLock: WALWrite") >= _MANY:
            return "the disk"
        return "the callers: neither processors, disk nor locks are busy"


@contextmanager
def sampling(connection: "psycopg.Connection[Any]") -> Iterator[Waits]:
    """Sample until the end of the block, from a thread with this connection, which commits each statement."""
    found, ended = Waits(), threading.Event()

    def sample() -> None:
        while not ended.wait(EVERY_SECONDS):
            for wait, count in connection.execute(_SESSIONS.encode()):
                found.sessions[wait] += count
            row = connection.execute(_BLOCKED.encode()).fetchone()
            found.blocked += 0 if row is None else row[0]
            found.samples += 1

    thread, before = threading.Thread(target=sample, name="waits"), _read_ticks()
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()
        found.busy = _busy_share(before, _read_ticks())


def show_waits(found: Sequence[tuple[int, Waits]], most: int = 8) -> str:
    """A table with a column for each number of nodes, and a line for each of the most frequent waits."""
    total = sum((waits.sessions for _, waits in found), Counter[str]())
    lines = [f"| Active sessions of PostgreSQL | {' | '.join(f'{nodes} nodes' for nodes, _ in found)} |"]
    lines.append("|---|" + "---:|" * len(found))
    shown = {
        name: [number(waits.share_of(name) * 100) + " %" for _, waits in found] for name, _ in total.most_common(most)
    }
    shown["any wait for a lock (`Lock`)"] = [number(waits.share_of("Lock") * 100) + " %" for _, waits in found]
    shown["sessions with a lock not granted, on average"] = [
        number(waits.blocked / max(1, waits.samples)) for _, waits in found
    ]
    shown["active sessions, on average"] = [number(waits.active) for _, waits in found]
    shown["cores busy"] = [number(waits.busy * 100) + " %" for _, waits in found]
    shown["the limit"] = [waits.name_limit() for _, waits in found]
    return "\n".join([*lines, *(f"| {name} | {' | '.join(cells)} |" for name, cells in shown.items())])


def _read_ticks() -> list[int]:
    """The ticks that all cores spent in each state, from ``/proc/stat``."""
    with Path("/proc/stat").open(encoding="ascii") as lines:
        return [int(value) for value in lines.readline().split()[1:9]]


def _busy_share(before: Sequence[int], after: Sequence[int]) -> float:
    spent = [late - early for early, late in zip(before, after, strict=True)]
    return 1 - sum(spent[place] for place in _IDLE) / max(1, sum(spent))
