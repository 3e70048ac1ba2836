"""The ports of the usage log: what storage implements."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from ari.keys.ports import KeyFinder

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from ari.keys.limits.charge import RuleOwner
    from ari.keys.limits.counter import Remaining
    from ari.keys.limits.spending import BudgetState
    from ari.usage.ai import AiBy, AiCount, AiSpan, AiSums, AiUse
    from ari.usage.model import (
        AddressCount,
        Attempt,
        Completion,
        KeyClient,
        KeyCount,
        KeyTotals,
        RouteCount,
        SecretUse,
        TopKeys,
        UsageRow,
    )
    from ari.usage.search import SearchPage, UsageSearch
    from ari.usage.spans import CodeCount

T = TypeVar("T")


@dataclass(slots=True)
class Batch:
    """The entries of one commit; without ``list_refusals``, what it refuses is only counted."""

    rows: list[UsageRow] = field(default_factory=list)
    completions: list[Completion | AiUse] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    list_refusals: bool = True


class UsageStore(Protocol):
    """Where requests are counted; synchronous, called from threads."""

    def commit(self, batch: Batch) -> None:
        """Write the batch in one transaction, which decides the charges of its rows and settles budgets; every later
        read sees it.

        A row whose id is stored raises the stored ``count`` to its own if that is higher, and only the difference
        counts: committing a batch again changes nothing. If the database refuses a value, the batch is stored with
        clean values. Raises ``Unavailable``; then nothing or, after a lost connection, the whole batch is stored.
        """

    def count_staged(self) -> int:
        """About how many committed entries aren't folded yet; never too few. Raises ``Unavailable``."""


class UsageWriter(Protocol):
    """Writes the rows of single requests: ``UsageRecorder`` on an event loop, ``ThreadWriter`` on other threads."""

    async def write(self, row: UsageRow) -> None:
        """Return when ``row`` is committed, cleaned; in a flood, when it is counted. Raises ``Unavailable``."""

    async def write_together(self, rows: Iterable[UsageRow], attempts: Sequence[Attempt]) -> None:
        """Return when one commit has written everything. Raises likewise; then nothing counts as written."""

    def complete(self, done: Completion | AiUse) -> None:
        """Fill in a committed row with a later commit. Never waits; lost if the process dies before that."""


class FoldStore(Protocol):
    """Where staged entries are folded; synchronous, called from one thread at a time. Raises ``Unavailable``."""

    def acquire_lead(self) -> bool:
        """Whether this process is the one that folds, now or still; never waits."""

    def release_lead(self) -> None:
        """Let another process fold."""

    def restage(self) -> int:
        """Stage the entries again that folds set aside, because no fold takes them. Returns how many."""

    def create_partitions(self) -> int:
        """Create the partitions of the next days that are missing, on PostgreSQL. Returns how many."""

    def move_rows(self) -> bool:
        """Move some rows to the engine that stores the log, if it is another one. Returns whether more are left."""

    def count_staged(self) -> int:
        """About how many committed entries aren't folded yet; never too few."""

    def move(self, most: int) -> int:
        """Fold at most ``most`` of the oldest staged entries into rows, rollups and totals, in one transaction.

        Returns how many; 0 if none is left. No commit waits for it.
        """

    def add_clients(self) -> bool:
        """Add some of what folds counted of clients to the counts that reports read. Returns whether more is left.

        No commit waits for it.
        """

    def delete_folded(self) -> None:
        """Delete entries that are folded. Commits wait for each of its steps, about a millisecond."""

    def checkpoint(self) -> None:
        """Checkpoint the staging WAL, so that no caller's commit has to. Commits wait for its end, some milliseconds.

        Call it whenever some thousand entries were committed.
        """


class UsageRecords(Protocol):
    """Totals and clients of single keys, attempts, and the removal of rows; synchronous, called from threads.

    Raises ``Unavailable``.
    """

    def read_remaining(self, owners: Sequence[RuleOwner]) -> list[Remaining]:
        """The units left of each owner's limits and credits now; without an owner, none is read."""

    def read_budgets(self, owners: Sequence[RuleOwner]) -> list[BudgetState]:
        """The state of each owner's budgets now."""

    def list_most_used(self, limit: int) -> list[str]:
        """The IDs of the owners that have used most of a budget, the largest share first, by the rules of their last
        request. Of very many owners, only some are compared."""

    def totals(self, key_ids: Sequence[str]) -> dict[str, KeyTotals]:
        """The totals of these keys; keys never used are absent."""

    def attempts(self, since_ms: int, limit: int) -> list[Attempt]:
        """Counted attempts without a valid key, newest minute first."""

    def addresses(self, key_id: str, limit: int) -> list[KeyClient]:
        """The addresses that used this key, last seen first; at most ``floods.MAX_CLIENTS_PER_DAY`` new ones a day."""

    def agents(self, key_id: str, limit: int) -> list[KeyClient]:
        """The user agents that used this key, in the same way."""

    def erase_address(self, address: str) -> int:
        """Remove one client address from rows and counters. Returns how many rows and counters of attempts had it.

        An IPv6 address also removes the counters of its /64, under which attempts are counted.
        """

    def remove_before(self, before_ms: int) -> Generator[int]:
        """Remove rows, attempts and clients last seen before this time; rollups and totals stay.

        Each step is one small transaction and yields how many it removed. Yields nothing while another process
        does this. Raises ``Unavailable``, at the end if only some days can't be dropped now.
        """


class UsageReader(Protocol):
    """Reports on the usage log; synchronous, called from threads. Each first folds a small backlog.

    Times are whole hours, ``since_ms`` ≤ at < ``until_ms``. All but the last five read rollups alone. Raises
    ``Unavailable``.
    """

    @property
    def complete_until_ms(self) -> Callable[[], int | None]:
        """Before when every logged request is in the reports that are read next; ``None`` if all are."""

    def hours(self, key_id: str | None, since_ms: int, until_ms: int) -> list[CodeCount]:
        """Requests by hour and code, in no order, of one key or of all."""

    def hours_of_keys(self, key_ids: Sequence[str], since_ms: int, until_ms: int) -> list[CodeCount]:
        """The same, of these keys together."""

    def key_counts(self, key_ids: Sequence[str] | None, since_ms: int, until_ms: int) -> list[KeyCount]:
        """Each of these keys, or of all keys, that had a request."""

    def attempts(self, since_ms: int, until_ms: int) -> list[CodeCount]:
        """Attempts without a valid key, by hour and reason, in no order."""

    def routes(self, key_id: str, since_ms: int, until_ms: int) -> list[RouteCount]:
        """The routes that a key requested, the most frequent first."""

    def top_keys(self, since_ms: int, until_ms: int, limit: int) -> TopKeys:
        """The keys with the most requests, accepted or refused."""

    def attempt_addresses(self, since_ms: int, until_ms: int, limit: int) -> list[AddressCount]:
        """The addresses of attempts without a valid key, the most attempts first.

        At most ``floods.MAX_ADDRESSES_PER_HOUR`` an hour have their own counters.
        """

    def ai_counts(self, by: AiBy, span: AiSpan) -> list[AiCount]:
        """Sums of AI gateway requests by key, provider or model, the highest cost first."""

    def ai_hours(self, span: AiSpan) -> dict[int, AiSums]:
        """The same by hour; hours without requests are absent."""

    def ai_last_used(self) -> dict[str, int]:
        """When each provider got its last request."""

    def last_uses_of_secrets(self, key_id: str, numbers: Sequence[int]) -> dict[int, int]:
        """When each of these secrets had its last accepted request since the key was first rotated."""

    def secret_use(self, key_id: str, number: int) -> SecretUse:
        """The newest requests with this secret since the key was first rotated, at most ``MAX_SECRET_ROWS``."""

    def search(self, search: UsageSearch, before_id: str | None, limit: int) -> SearchPage:
        """Rows, newest first. Without an index for the search, a step reads at most ``search.MAX_ROWS_READ`` rows."""

    def newest_statuses(self, search: UsageSearch, most: int) -> list[tuple[int | None, int]]:
        """The HTTP statuses of the newest ``most`` rows, the most frequent first."""

    def pages(self, search: UsageSearch, size: int) -> Iterator[list[UsageRow]]:
        """All rows, newest first, in parts, which may be empty. Each part is its own short transaction."""


class KeyLookup(KeyFinder, Protocol):
    """The lookups of the middleware and the fast routes, over their own connections.

    ``reads_at_once``: no call waits, so nothing is gained by starting several together.
    """

    reads_at_once: bool

    async def find_undeclared(self, scopes: Sequence[str]) -> set[str]:
        """Those of these scopes, none of which is ARI's own, that aren't declared, as committed now; never older.

        Raises ``Unavailable``.
        """

    async def totals(self, key_id: str) -> KeyTotals:
        """The totals of a key, no older than the last call of ``find``. Raises ``Unavailable``."""

    async def check(self) -> None:
        """Read what a verification reads, over the same connections. Raises ``Unavailable`` where one would."""

    async def close(self) -> None:
        """Close the connections."""


class ThreadKeyLookup(Protocol):
    """The lookups of threads without an event loop."""

    def run(self, verify: Callable[[KeyLookup], T]) -> T:
        """Run one verification with the lookup, none of whose calls waits. Returns and raises what it does."""

    def close(self) -> None:
        """Close the connections."""
