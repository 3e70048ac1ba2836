"""Counts what this process does. Costs a request 5 µs at most: integers, no locks."""

from bisect import bisect_left
from functools import partial
from threading import Lock

from ari.metrics import catalog
from ari.metrics.catalog import Family, Layout
from ari.metrics.shared_cells import SharedCells

_NANO = 1_000_000_000


class Metrics:
    """The counts of this process, and of all that share memory with it.

    A count is lost if two threads add to one cell at the same moment. So each method without a lock belongs to one
    thread: that of the event loop, or the one that commits the usage log.
    """

    def __init__(self) -> None:
        self.layout = layout = Layout()
        self._lock = Lock()
        self._verified = {
            (source, result): layout.find(catalog.VERIFICATIONS, source, result)
            for source, result in catalog.VERIFICATIONS.list_series()
        }
        self._doors = {door: layout.find(catalog.REQUESTS, door) for door in catalog.DOORS}
        self._in_flight = layout.find(catalog.IN_FLIGHT)
        self._lookups = layout.find(catalog.LOOKUPS)
        self._fold_failures = layout.find(catalog.FOLD_FAILURES)
        self._commits = layout.find(catalog.COMMITS)
        self.count_commit_error = partial(self._add, catalog.COMMIT_ERRORS)
        self.count_database_error = partial(self._add, catalog.DATABASE_ERRORS)
        self.count_connection = partial(self._add, catalog.CONNECTIONS)
        self.share(1)

    def share(self, processes: int) -> None:
        """Begin at 0, with memory for this many processes, which are forked later."""
        self._shared = SharedCells(processes, self.layout.size)
        self.take_slot(0)

    def take_slot(self, number: int) -> None:
        """Make this the process with this number; it continues the counts of the one before it."""
        self._cells = self._shared.slot(number)
        self._cells[self._in_flight] = 0

    def forget_requests(self, number: int) -> None:
        """Note that the process with this number ended, and with it the requests that it had."""
        self._shared.slot(number)[self._in_flight] = 0

    def add_up(self) -> list[int]:
        """The sums over all processes, as ``layout`` orders them."""
        return self._shared.add_up()

    def begin_request(self) -> None:
        self._cells[self._in_flight] += 1

    def end_request(self, door: str, seconds: float) -> None:
        """Count a request that began with ``begin_request``."""
        self._cells[self._in_flight] -= 1
        self._observe(self._doors[door], catalog.REQUESTS, seconds)

    def observe_lookup(self, seconds: float) -> None:
        self._observe(self._lookups, catalog.LOOKUPS, seconds)

    def observe_commit(self, seconds: float) -> None:
        """Count a commit to the usage log; on the thread that commits."""
        self._observe(self._commits, catalog.COMMITS, seconds)

    def count_verification(self, source: str, code: str, count: int = 1) -> None:
        """Count requests by their code in the usage log; on the thread that commits."""
        place = self._verified.get((source, code))
        self._cells[self._verified[source, catalog.OTHER] if place is None else place] += count

    def count_folded(self, rows: int) -> None:
        self._add(catalog.FOLDED, count=rows)

    def note_fold_failures(self, count: int) -> None:
        """Set how many attempts to fold failed in a row; in the fold process."""
        self._cells[self._fold_failures] = count

    def read_fold_failures(self) -> int:
        """That number, with those of the fold process before this one."""
        return self._cells[self._fold_failures]

    def count_fold_crash(self, number: int) -> None:
        """Count the end of the fold process, which has this number, as an attempt that failed."""
        self._shared.slot(number)[self._fold_failures] += 1

    def count_reduced(self, rows: int) -> None:
        self._add(catalog.REDUCED, count=rows)

    def count_email(self, result: str) -> None:
        self._add(catalog.EMAILS, result)

    def count_webhook(self, result: str) -> None:
        self._add(catalog.WEBHOOKS, result)

    def note_job_failures(self, job: str, count: int) -> None:
        """Set how many attempts of a background job failed in a row in this process."""
        self._cells[self.layout.find(catalog.JOB_FAILURES, job)] = count

    def list_failing_jobs(self) -> dict[str, int]:
        """Those numbers of this process that aren't 0, by job."""
        places = {job: self.layout.find(catalog.JOB_FAILURES, job) for job in catalog.JOBS}
        return {job: count for job, place in places.items() if (count := self._cells[place])}

    def count_restart(self, process: str) -> None:
        self._add(catalog.RESTARTS, process)

    def _observe(self, place: int, family: Family, seconds: float) -> None:
        cells, bounds = self._cells, family.bounds
        cells[place + bisect_left(bounds, seconds)] += 1
        cells[place + len(bounds) + 1] += int(max(0.0, seconds) * _NANO)

    def _add(self, family: Family, *values: str, count: int = 1) -> None:
        with self._lock:
            self._cells[self.layout.find(family, *values)] += count


def to_seconds(nanoseconds: int) -> float:
    """The sum of a histogram in its unit."""
    return nanoseconds / _NANO
