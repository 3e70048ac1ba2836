"""What the usage log needs from storage."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ari.usage.model import Attempt, Completion, HourCount, KeyTotals, Seen, UsageFilter, UsageRow


@dataclass(slots=True)
class Batch:
    """What one commit carries."""

    rows: list[UsageRow] = field(default_factory=list)
    completions: list[Completion] = field(default_factory=list)
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

    def settle(self) -> int:
        """Count a good many of the rows committed and put them where they are read; how many, 0 if there are no more.

        Reading does it first where it was not done. Rows, rollups, totals and what keys were seen by change in one
        transaction. Raises ``Unavailable``.
        """

    def page(self, where: UsageFilter, before_id: str | None, limit: int) -> list[UsageRow]:
        """Rows newest first, at most ``limit``, those with an id smaller than ``before_id``."""

    def totals(self, key_ids: Sequence[str]) -> dict[str, KeyTotals]:
        """The totals of these keys; keys never used are absent."""

    def attempts(self, since_ms: int, limit: int) -> list[Attempt]:
        """Counted attempts without a key of ours, newest minute first."""

    def addresses(self, key_id: str, limit: int) -> list[Seen]:
        """From where this key was used, last seen first; at most ``flood.SEEN_PER_DAY`` new ones a day and process."""

    def agents(self, key_id: str, limit: int) -> list[Seen]:
        """By which user agents, likewise."""

    def hours(self, key_id: str, since_ms: int, until_ms: int) -> list[HourCount]:
        """The rollups of a key, from the hour of ``since_ms`` on, oldest first; hours without requests are absent."""

    def erase_address(self, address: str) -> int:
        """Strip one client address from rows, attempts and what keys were seen by; how many rows and attempts it
        stood in.

        An IPv6 address also empties the counters of its /64, under which attempts are counted.
        """

    def remove_before(self, before_ms: int) -> Generator[int]:
        """Remove rows, attempts and what keys were last seen by before this instant; rollups and totals stay.

        Each step is one small transaction and gives how many entries went. Empty while another process is at it.
        """
