"""Commits are counted by what they decided, and failed ones count no verification."""

import pytest

from ari.base.errors import Unavailable
from ari.keys.limits.charge import Charge, Decision
from ari.keys.limits.counter import Exceeded
from ari.metrics import catalog
from ari.metrics.recording import Metrics
from ari.usage.measured_store import MeasuredStore, find_result
from ari.usage.model import Attempt
from ari.usage.ports import Batch
from tests.support.usage import make_row


class _Store:
    fault: Exception | None = None

    def commit(self, _batch: Batch) -> None:
        if self.fault is not None:
            raise self.fault

    def count_staged(self) -> int:
        return 7


def _read(metrics: Metrics, family: catalog.Family, *values: str) -> int:
    return metrics.add_up()[metrics.layout.find(family, *values)]


def test_a_committed_batch_counts_by_source_and_result() -> None:
    """A row counts one request, whatever number of refusals in a flood it has; an attempt counts its number."""
    metrics, store = Metrics(), _Store()
    rows = [make_row(), make_row(source="verify", code="expired", count=40)]
    MeasuredStore(store, metrics).commit(Batch(rows, attempts=[Attempt(0, "unknown", "192.0.2.1", 3, "guard")]))
    assert _read(metrics, catalog.VERIFICATIONS, "request", "ok") == 1
    assert _read(metrics, catalog.VERIFICATIONS, "verify", "expired") == 1
    assert _read(metrics, catalog.VERIFICATIONS, "guard", "unknown") == 3


@pytest.mark.parametrize("fault", [Unavailable("down"), ValueError("a defect")])
def test_a_failed_commit_counts_as_an_error(fault: Exception) -> None:
    """Its requests get a 503 and are not in the log, so they were not verified."""
    metrics, store = Metrics(), _Store()
    store.fault = fault
    measured = MeasuredStore(store, metrics)
    with pytest.raises(type(fault)):
        measured.commit(Batch([make_row()]))
    assert _read(metrics, catalog.COMMIT_ERRORS) == 1
    assert _read(metrics, catalog.VERIFICATIONS, "request", "ok") == 0
    assert measured.count_staged() == 7


def test_the_result_is_that_of_the_commit() -> None:
    """A limit refuses a request whose key was accepted."""
    row = make_row(charge=Charge(()))
    assert find_result(row) == "ok"
    assert row.charge is not None
    row.charge.decision = Decision(Exceeded("minute", "rate_limited", 0), {}, [])
    assert find_result(row) == "rate_limited"
