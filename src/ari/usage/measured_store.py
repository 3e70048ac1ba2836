"""A store whose commits are counted for monitoring, so that the counts are those of the usage log.

They are counted after the commit and before its responses are sent. A process that is killed in between, and a commit
that is stored although it failed (after a lost connection), leave requests that are logged but not counted.
"""

from time import perf_counter

from ari.metrics.recording import Metrics
from ari.usage.model import UsageRow
from ari.usage.ports import Batch, UsageStore


class MeasuredStore:
    """``store`` in the same shape; its commits are those of one thread."""

    def __init__(self, store: UsageStore, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics
        self.count_staged = store.count_staged

    def commit(self, batch: Batch) -> None:
        """Commit and count ``batch``. Raises what ``store`` raises."""
        began = perf_counter()
        try:
            self._store.commit(batch)
        except Exception:
            self._metrics.count_commit_error()
            raise
        finally:
            self._metrics.observe_commit(perf_counter() - began)
        for row in batch.rows:
            self._metrics.count_verification(row.source, find_result(row))
        for attempt in batch.attempts:
            self._metrics.count_verification(attempt.source, attempt.reason, attempt.count)


def find_result(row: UsageRow) -> str:
    """The code that the log has for ``row``: its own, or that of the limit or budget which refused it."""
    decision = None if row.charge is None else row.charge.decision
    return row.code if decision is None or decision.exceeded is None else decision.exceeded.reason
