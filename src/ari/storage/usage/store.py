"""The usage log in SQL; implements ``UsageStore`` and ``UsageRecords`` of ``usage.ports``, and ``reports.key_use``."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Literal, TypeVar

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from ari.base.clock import MINUTE_MS, Clock
from ari.base.errors import Unavailable
from ari.keys.limits.charge import RuleOwner
from ari.keys.limits.counter import Remaining
from ari.keys.limits.spending import BudgetState
from ari.keys.listing import Cursor
from ari.metrics.recording import Metrics
from ari.storage.database_errors import faults_as_unavailable
from ari.storage.tables import usage_attempts, usage_totals
from ari.storage.usage import listing
from ari.storage.usage.client_steps import ClientSteps
from ari.storage.usage.clients import Kind, clients_of
from ari.storage.usage.daily_counts import days_of
from ari.storage.usage.erasure import MAX_CHANGED, erase_address, slices
from ari.storage.usage.fold import MAX_ENTRIES, Folder, writing
from ari.storage.usage.fold_leader import FoldLeader
from ari.storage.usage.log_reads import begin_read
from ari.storage.usage.log_rows import LogElsewhere, LogRows, StoredRows
from ari.storage.usage.row_ids import lowest_id
from ari.storage.usage.staging import REFUSALS, Staging
from ari.storage.write_lock import LOCK_SECONDS
from ari.usage.advice import LateCall
from ari.usage.cleaning import address_forms
from ari.usage.model import Attempt, Backlog, KeyClient, KeyTotals
from ari.usage.ports import Batch
from ari.usage.reports.daily import Day

_attempts = usage_attempts.c
_TOTALS = tuple(usage_totals.c)[:5]
MAX_COMPARED = 5_000
"""The counters that ``list_most_used`` compares: about 15 µs each."""
MAX_READ_ROWS = 20_000
"""Staged entries that a read folds first: 0.4 s."""
READ_LOCK_SECONDS = 1.0
"""How long such a fold waits for another."""
MAX_READ_COUNTS = 5_000
"""Counts of clients that a read adds first: 0.3 s."""

_T = TypeVar("_T")


class UsageTables:
    """The usage log on one engine; ``lock_file`` is the write lock of a SQLite file.

    A read folds the staged entries first if they are few, so that it sees all that was committed. ``elsewhere`` has the
    rows, if they are not in this engine's database.
    """

    def __init__(
        self,
        engine: Engine,
        lock_file: Path | None,
        staging: Staging,
        folder: Folder,
        metrics: Metrics,
        elsewhere: LogElsewhere | None = None,
        *,
        clock: Callable[[], Clock],
    ) -> None:
        self._elsewhere = elsewhere
        self.rows: LogRows = StoredRows(engine) if elsewhere is None else elsewhere.rows
        self._engine = engine
        self._lock_file = lock_file
        self._staging = staging
        self._folder = folder
        self._client_steps = ClientSteps(folder.engine, lock_file)
        self._metrics = metrics
        self._leader = FoldLeader(engine, None if lock_file is None else lock_file.with_name("fold.lock"))
        self._clock = clock

    def commit(self, batch: Batch) -> None:
        with _any_fault_as_unavailable():
            self._staging.append(batch)

    def fold(self, most: int = MAX_ENTRIES, lock_seconds: float = LOCK_SECONDS) -> int:
        """Fold the oldest entries, delete them, and add the counts of clients. Returns how many; 0 if none is left.

        Raises ``Unavailable``.
        """
        with _any_fault_as_unavailable():
            folded = self._count(self._folder.fold(most, lock_seconds))
            self._client_steps.add_all(lock_seconds)
            return folded

    def restage(self) -> int:
        with _any_fault_as_unavailable():
            return self._folder.set_aside.restage()

    def move(self, most: int) -> int:
        with _any_fault_as_unavailable():
            return self._count(self._folder.move(most))

    def delete_folded(self) -> None:
        with _any_fault_as_unavailable():
            self._folder.delete_folded()

    def add_clients(self) -> bool:
        with _any_fault_as_unavailable():
            return self._client_steps.add_some()

    def count_staged(self) -> int:
        with _any_fault_as_unavailable():
            return self._folder.count_staged()

    def backlog(self) -> Backlog:
        with _any_fault_as_unavailable():
            return self._folder.backlog()

    def acquire_lead(self) -> bool:
        with _any_fault_as_unavailable():
            return self._leader.acquire()

    def is_lead_free(self) -> bool:
        """Whether no process folds now. Raises ``Unavailable``."""
        with _any_fault_as_unavailable():
            return self._leader.is_free()

    def release_lead(self) -> None:
        self._leader.release()

    def create_partitions(self) -> int:
        if self._lock_file is not None:
            return 0
        from ari.storage.usage.partitions import DayPartitions  # noqa: PLC0415 - PostgreSQL alone needs it

        with _any_fault_as_unavailable():
            return DayPartitions(self._engine).create(self._clock().now_ms())

    def move_rows(self) -> bool:
        if self._elsewhere is None:
            return False
        with _any_fault_as_unavailable():
            return self._elsewhere.move_some()

    def checkpoint(self) -> None:
        with _any_fault_as_unavailable():
            self._folder.checkpoint()

    def fold_all(self) -> None:
        """Fold every entry that is staged now, in smaller folds after one that failed. Raises ``Unavailable``."""
        from ari.usage.fold_size import FoldSize  # noqa: PLC0415 - commands that read need none

        FoldSize(MAX_ENTRIES).run_all(self.fold)

    def catch_up(self) -> bool:
        """Fold the staged entries if they are few, and add some counts of clients. Returns whether all that was
        committed before can be read now.

        Takes well under 2 seconds: a read doesn't wait for a large backlog, nor for a log that can't be written, and
        it never sends rows to another engine, which may hang.
        """
        with suppress(Unavailable):
            with _any_fault_as_unavailable():
                staged, has_counts = self._folder.count_unread()
            if staged > MAX_READ_ROWS or (staged and self._elsewhere is not None):
                return False
            if staged:
                with _any_fault_as_unavailable():
                    self._count(self._folder.fold(MAX_READ_ROWS, READ_LOCK_SECONDS, sets_aside=False))
            if staged or has_counts:
                with _any_fault_as_unavailable():
                    return not self._client_steps.add_some(READ_LOCK_SECONDS, MAX_READ_COUNTS)
            return True
        return False

    def complete_until_ms(self) -> int | None:
        """Fold the staged entries if they are few; otherwise, before when each request is folded and its client
        counted.

        ``None`` if all are. Raises ``Unavailable``.
        """
        if self.catch_up():
            return None
        with _any_fault_as_unavailable():
            return self._folder.earliest_unread_ms()

    def read_remaining(self, owners: Sequence[RuleOwner]) -> list[Remaining]:
        if not owners:
            return []
        counters, now_ms = self._staging.read_counters([owner.id for owner in owners])
        found: list[Remaining] = []
        for owner in owners:
            counters[owner.id].advance(owner.rules, now_ms)
            found += owner.label(counters[owner.id].list_remaining())
        return found

    def read_budgets(self, owners: Sequence[RuleOwner]) -> list[BudgetState]:
        with_budgets = [owner for owner in owners if owner.rules.budgets]
        if not with_budgets:
            return []
        counters, now_ms = self._staging.read_counters([owner.id for owner in with_budgets])
        found: list[BudgetState] = []
        for owner in with_budgets:
            counters[owner.id].advance(owner.rules, now_ms)
            found += counters[owner.id].list_budgets(owner.prefix)
        return found

    def list_most_used(self, limit: int) -> list[str]:
        counters, now_ms = self._staging.read_budget_counters(MAX_COMPARED)
        shares = list[tuple[float, str]]()
        for owner_id, counter in counters.items():
            counter.advance(counter.rules, now_ms)
            used = [state.used / state.limit for state in counter.list_budgets("") if state.used]
            if used:
                shares.append((-max(used), owner_id))
        return [owner_id for _, owner_id in sorted(shares)[:limit]]

    def save_counters(self) -> None:
        """Save the counters where a backup reads them. Raises ``Unavailable``."""
        self._folder.save_counters()

    def check(self) -> None:
        """Raise ``Unavailable`` if the database would refuse a commit."""
        self._staging.check()

    def close(self) -> None:
        """Close the connection that commits, and let another process fold."""
        self._leader.release()
        self._staging.close()
        if self._elsewhere is not None:
            self._elsewhere.close()

    def totals(self, key_ids: Sequence[str]) -> dict[str, KeyTotals]:
        found: dict[str, KeyTotals] = {}
        with self._begin_read() as connection:
            for some in slices(key_ids, MAX_CHANGED):
                rows = connection.execute(select(*_TOTALS).where(usage_totals.c.key_id.in_(some)))
                found.update((key_id, KeyTotals(*rest)) for key_id, *rest in rows)
        return found

    def attempts(self, since_ms: int, limit: int) -> list[Attempt]:
        query = (
            select(_attempts.minute_ms, _attempts.reason, _attempts.address, _attempts["count"])
            .where(_attempts.minute_ms >= since_ms - since_ms % MINUTE_MS)
            .order_by(_attempts.minute_ms.desc(), _attempts["count"].desc(), _attempts.reason, _attempts.address)
            .limit(limit)
        )
        with self._begin_read() as connection:
            return [Attempt(*row) for row in connection.execute(query)]

    def addresses(self, key_id: str, limit: int) -> list[KeyClient]:
        return self._clients(key_id, "address", limit)

    def agents(self, key_id: str, limit: int) -> list[KeyClient]:
        return self._clients(key_id, "user_agent", limit)

    def days(self, key_ids: Sequence[str], since_ms: int) -> dict[str, list[Day]]:
        return self._read(lambda connection: days_of(connection, key_ids, since_ms))

    def by_use(
        self, by: Literal["used", "requests"], descending: bool, after: Cursor | None, limit: int
    ) -> list[tuple[str, KeyTotals]]:
        return self._read(lambda connection: listing.by_use(connection, by, descending, after, limit))

    def last_uses(self) -> dict[str, int]:
        return self._read(listing.last_uses)

    def address_counts(self, key_ids: Sequence[str], since_ms: int, most: int) -> dict[str, int]:
        return self._read(lambda connection: listing.address_counts(connection, key_ids, since_ms, most))

    def late_calls(self, since_ms: int) -> list[LateCall]:
        self.catch_up()
        return self.rows.late_calls(since_ms)

    def erase_address(self, address: str) -> int:
        self.fold_all()
        with _any_fault_as_unavailable():
            elsewhere = None if self._elsewhere is None else self._elsewhere.erase_addresses
            erased = self._folder.set_aside.erase(address_forms(address))
            return erased + erase_address(self._engine, self.begin_write, address, elsewhere)

    def remove_before(self, before_ms: int) -> Generator[int]:
        from ari.storage.usage.retention import Retention  # noqa: PLC0415 - commands that read need none

        self.catch_up()
        with _any_fault_as_unavailable():
            if removed := self._folder.set_aside.remove_before(before_ms):
                yield removed
            retention = Retention(self._engine, self._lock_file, self.begin_write, self._elsewhere)
            yield from retention.steps(before_ms, lowest_id(before_ms))

    def _count(self, folded: int) -> int:
        if folded:
            self._metrics.count_folded(folded)
        if self._elsewhere is not None and (reduced := self._elsewhere.take_reduced()):
            self._metrics.count_reduced(reduced)
        return folded

    def _read(self, work: Callable[[Connection], _T]) -> _T:
        with self._begin_read() as connection:
            return work(connection)

    def _clients(self, key_id: str, kind: Kind, limit: int) -> list[KeyClient]:
        return self._read(lambda connection: clients_of(connection, key_id, kind, limit))

    @contextmanager
    def _begin_read(self) -> Iterator[Connection]:
        self.catch_up()
        with begin_read(self._engine) as connection:
            yield connection

    def begin_write(self) -> AbstractContextManager[Connection]:
        return writing(self._engine, self._lock_file)


@contextmanager
def _any_fault_as_unavailable() -> Iterator[None]:
    """Raise one plain sentence for any fault: a driver's message may quote a row's texts."""
    try:
        with faults_as_unavailable():
            yield
    except (SQLAlchemyError, *REFUSALS):
        raise Unavailable("The usage log cannot be written or read now.") from None
