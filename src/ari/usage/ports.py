"""What the usage log needs from storage."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ari.usage.model import Attempt, Completion, KeyTotals, UsageFilter, UsageRow


@dataclass(slots=True)
class Batch:
    """What one commit carries."""

    rows: list[UsageRow] = field(default_factory=list)
    completions: list[Completion] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)


class UsageStore(Protocol):
    """The usage log; synchronous, called from threads."""

    def commit(self, batch: Batch) -> None:
        """Write the batch in one transaction, with the hourly rollups and the totals of its keys.

        A row with an id already stored raises that row's ``count`` to its own if that is higher, and only the
        difference is counted: committing a batch again changes nothing. A single row that the database refuses is
        stored without its caller's texts rather than failing the others. Raises ``Unavailable``; nothing, or after a
        lost connection all of the batch, is then stored.
        """

    def page(self, where: UsageFilter, before_id: str | None, limit: int) -> list[UsageRow]:
        """Rows newest first, at most ``limit``, those with an id smaller than ``before_id``."""

    def totals(self, key_ids: Sequence[str]) -> dict[str, KeyTotals]:
        """The totals of these keys; keys never used are absent."""

    def attempts(self, since_ms: int, limit: int) -> list[Attempt]:
        """Counted attempts without a key of ours, newest minute first."""

    def erase_address(self, address: str) -> int:
        """Strip one client address from rows and attempts; how many rows it stood in.

        An IPv6 address also empties the counters of its /64, under which attempts are counted.
        """
