"""The lookups, commits and folds of instances that record traces. Where tracing is off, none of these is used."""

from collections import Counter
from collections.abc import Awaitable, Iterable, Sequence
from time import perf_counter

from ari.base.served_request import find_served_request
from ari.base.traces import RequestTrace, Tracer
from ari.keys.model import ApiKey
from ari.usage.measured_lookup import MeasuredLookup
from ari.usage.measured_store import find_result
from ari.usage.model import Attempt, Source, UsageRow
from ari.usage.ports import FoldStore
from ari.usage.recorder import UsageRecorder


class TracedLookup(MeasuredLookup):
    """Adds each lookup of a key to the trace of the request that is served."""

    async def find(self, digest: bytes) -> ApiKey | None:
        """As ``MeasuredLookup`` does. Raises ``Unavailable``."""
        trace = _find_trace()
        if trace is None:
            return await super().find(digest)
        began, found = perf_counter(), None
        try:
            found = await super().find(digest)
            return found
        finally:
            trace.add("ari.lookup_key", began, {"ari.key_id": None if found is None else found.id})


class TracedRecorder(UsageRecorder):
    """Adds each wait for a commit to the trace, with the results of its verifications."""

    async def write(self, row: UsageRow) -> None:
        """As ``UsageRecorder`` does."""
        await _trace_commit(super().write(row), [row], ())

    async def write_together(self, rows: Iterable[UsageRow], attempts: Sequence[Attempt]) -> None:
        """As ``UsageRecorder`` does."""
        listed = list(rows)
        await _trace_commit(super().write_together(listed, attempts), listed, attempts)

    async def count(self, reason: str, address: str | None, source: Source = "request") -> None:
        """As ``UsageRecorder`` does."""
        await _trace_commit(super().count(reason, address, source), (), [Attempt(0, reason, "")])


class TracedFoldStore:
    """``store`` in the same shape; each fold is a trace of its own."""

    def __init__(self, store: FoldStore, tracer: Tracer) -> None:
        self._store = store
        self._tracer = tracer
        self.acquire_lead = store.acquire_lead
        self.release_lead = store.release_lead
        self.count_staged = store.count_staged
        self.add_clients = store.add_clients
        self.restage = store.restage
        self.create_partitions = store.create_partitions
        self.move_rows = store.move_rows
        self.delete_folded = store.delete_folded
        self.checkpoint = store.checkpoint

    def move(self, most: int) -> int:
        """Fold as ``store`` does."""
        with self._tracer.trace("ari.fold") as span:
            folded = self._store.move(most)
            span.note({"ari.rows": folded})
            return folded


def _find_trace() -> RequestTrace | None:
    """The trace of the request that is served, if it is recorded."""
    request = find_served_request()
    trace = None if request is None else request.trace
    return trace if trace is not None and trace.is_recording else None


async def _trace_commit(writing: Awaitable[None], rows: Sequence[UsageRow], attempts: Sequence[Attempt]) -> None:
    """Await ``writing``, and add it to the trace with the results of its verifications."""
    trace = _find_trace()
    if trace is None:
        await writing
        return
    began = perf_counter()
    try:
        await writing
    finally:
        trace.add("ari.commit_usage", began, {"ari.results": _count_results(rows, attempts)})


def _count_results(rows: Sequence[UsageRow], attempts: Sequence[Attempt]) -> str:
    """Such as ``ok=2 revoked=1``."""
    counts = Counter(map(find_result, rows))
    for attempt in attempts:
        counts[attempt.reason] += attempt.count
    return " ".join(f"{code}={count}" for code, count in sorted(counts.items()))
