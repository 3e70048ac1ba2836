"""What the usage log needs from storage."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ari.usage.ai import AiBy, AiCount, AiSpan, AiSums, AiUse
from ari.usage.model import (
    AddressCount,
    Attempt,
    Completion,
    KeyTotals,
    RouteCount,
    Seen,
    TopKeys,
    UsageFilter,
    UsageRow,
)
from ari.usage.reports.search import Found, UsageSearch
from ari.usage.reports.spans import CodeCount


@dataclass(slots=True)
class Batch:
    """What one commit carries."""

    rows: list[UsageRow] = field(default_factory=list)
    completions: list[Completion | AiUse] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)


class UsageStore(Protocol):
    """The usage log; synchronous, called from threads."""

    def commit(self, batch: Batch) -> None:
        """Write the batch in one transaction; everything that reads finds it from then on.

        A row with an id already stored raises that row's ``count`` to its own if that is higher, and only the
        difference is counted: committing a batch again changes nothing. A single row that the database refuses is
        stored without its caller's texts rather than failing the others. Raises ``Unavailable``; nothing, or after a
        lost connection all of the batch, is then stored.
        """

    def fold(self) -> int:
        """Count a good many of the rows committed and put them where they are read; how many, 0 if there are no more.

        Reading does it first where it was not done. Rows, rollups, totals and what keys were seen by change in one
        transaction. Raises ``Unavailable``.
        """

    def checkpoint_if_needed(self) -> None:
        """Do what callers would else have to wait for; to be called every second or so while requests are committed.

        Raises ``Unavailable``.
        """

    def page(self, where: UsageFilter, before_id: str | None, limit: int) -> list[UsageRow]:
        """Rows newest first, at most ``limit``, those with an id smaller than ``before_id``."""

    def totals(self, key_ids: Sequence[str]) -> dict[str, KeyTotals]:
        """The totals of these keys; keys never used are absent."""

    def attempts(self, since_ms: int, limit: int) -> list[Attempt]:
        """Counted attempts without a key of ours, newest minute first."""

    def addresses(self, key_id: str, limit: int) -> list[Seen]:
        """From where this key was used, last seen first; at most ``floods.MAX_CLIENTS_PER_DAY`` new ones a day."""

    def agents(self, key_id: str, limit: int) -> list[Seen]:
        """By which user agents, likewise."""

    def erase_address(self, address: str) -> int:
        """Strip one client address from rows, attempts and what keys were seen by; how many rows and attempts it
        stood in.

        An IPv6 address also empties the counters of its /64, under which attempts are counted.
        """

    def remove_before(self, before_ms: int) -> Generator[int]:
        """Remove rows, attempts and what keys were last seen by before this instant; rollups and totals stay.

        Each step is one small transaction and gives how many entries went. Empty while another process is at it.
        """


class UsageReader(Protocol):
    """Reports on the usage log; synchronous, called from threads.

    Times are whole hours, ``since_ms`` ≤ at < ``until_ms``. All but the last three read rollups alone. Raises
    ``Unavailable``.
    """

    def hours(self, key_id: str | None, since_ms: int, until_ms: int) -> list[CodeCount]:
        """Requests by hour and code, in no order, of one key or of all."""

    def attempts(self, since_ms: int, until_ms: int) -> list[CodeCount]:
        """Attempts without a key of ours, by hour and reason, in no order."""

    def routes(self, key_id: str, since_ms: int, until_ms: int) -> list[RouteCount]:
        """The routes that a key asked for, the commonest first."""

    def top_keys(self, since_ms: int, until_ms: int, limit: int) -> TopKeys:
        """The keys with the most requests, accepted or refused."""

    def attempt_addresses(self, since_ms: int, until_ms: int, limit: int) -> list[AddressCount]:
        """From where attempts without a key of ours came, the most first.

        ``floods.MAX_ADDRESSES_PER_HOUR`` are told apart.
        """

    def ai_counts(self, by: AiBy, span: AiSpan) -> list[AiCount]:
        """What requests through the AI gateway used, by key, provider or model, the most requests first."""

    def ai_hours(self, span: AiSpan) -> dict[int, AiSums]:
        """Likewise by hour; hours without a request are absent."""

    def ai_last_used(self) -> dict[str, int]:
        """When each provider was last asked something, ever."""

    def search(self, search: UsageSearch, before_id: str | None, limit: int) -> Found:
        """Rows newest first. Where rows must be looked at, a step looks at ``search.LOOKED_AT`` of them at most."""

    def newest_statuses(self, search: UsageSearch, most: int) -> list[tuple[int | None, int]]:
        """The HTTP statuses of the newest ``most`` rows that an index gives, the commonest first."""

    def pages(self, search: UsageSearch, size: int) -> Iterator[list[UsageRow]]:
        """All rows, newest first, in parts that may be empty; each is a short transaction of its own."""
