"""What completes committed rows: waits for the next commit, and is kept if that fails."""

from collections import deque
from collections.abc import Iterable

from ari.usage.ai import AiUse
from ari.usage.limit_decisions import list_settlements, mark_retried
from ari.usage.model import Completion


class Completions:
    """At most ``limit`` completions, of which the oldest are dropped, and every settlement of a budget.

    While commits fail, no request can reserve more, so there are no more settlements than requests in flight.
    """

    def __init__(self, limit: int) -> None:
        self._settlements: list[AiUse] = []
        self._others: deque[Completion | AiUse] = deque(maxlen=limit)

    def __bool__(self) -> bool:
        return bool(self._settlements or self._others)

    def add(self, done: Completion | AiUse) -> None:
        """Add one to the next commit."""
        if isinstance(done, AiUse) and done.settlement is not None:
            self._settlements.append(done)
        else:
            self._others.append(done)

    def take(self) -> list[Completion | AiUse]:
        """Take all, settlements first."""
        found = [*self._settlements, *self._others]
        self._settlements.clear()
        self._others.clear()
        return found

    def put_back(self, taken: Iterable[Completion | AiUse]) -> None:
        """Keep those of a failed commit before what came since. Its settlements may be stored all the same."""
        taken = list(taken)
        settlements = list_settlements(taken)
        self._settlements[:0] = map(mark_retried, settlements)
        self._others = deque((*taken[len(settlements) :], *self._others), self._others.maxlen)
