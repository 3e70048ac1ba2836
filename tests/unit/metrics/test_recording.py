"""Counts land in their series, and replaced processes continue them."""

import pytest

from ari.metrics import catalog
from ari.metrics.recording import Metrics, to_seconds


def _read(metrics: Metrics, family: catalog.Family, *values: str) -> list[int]:
    start = metrics.layout.find(family, *values)
    return metrics.add_up()[start : start + family.width]


def test_a_time_counts_in_the_bucket_whose_bound_it_does_not_exceed() -> None:
    """OpenMetrics: ``le`` means less than or equal; what exceeds all bounds counts too."""
    metrics = Metrics()
    bounds = catalog.COMMITS.bounds
    for seconds in (bounds[0], bounds[0] + 1e-9, bounds[-1], bounds[-1] + 1):
        metrics.observe_commit(seconds)
    *buckets, total = _read(metrics, catalog.COMMITS)
    assert [buckets[0], buckets[1], buckets[-2], buckets[-1]] == [1, 1, 1, 1]
    assert sum(buckets) == 4
    assert to_seconds(total) == pytest.approx(2 * bounds[0] + 2 * bounds[-1] + 1)


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    """A sum that shrinks looks like a restart to whatever reads it."""
    metrics = Metrics()
    metrics.observe_lookup(-1.0)
    assert _read(metrics, catalog.LOOKUPS)[0] == 1
    assert _read(metrics, catalog.LOOKUPS)[-1] == 0


def test_codes_that_are_no_result_count_as_other() -> None:
    """The number of series doesn't grow with the errors that requests may have."""
    metrics = Metrics()
    metrics.count_verification("proxy", "expired", 3)
    metrics.count_verification("proxy", "too_large")
    assert _read(metrics, catalog.VERIFICATIONS, "proxy", "expired") == [3]
    assert _read(metrics, catalog.VERIFICATIONS, "proxy", catalog.OTHER) == [1]


def test_a_replaced_process_continues_its_counts_without_its_requests() -> None:
    """Counts never shrink while ARI runs, and no request stays in flight that nobody serves."""
    metrics = Metrics()
    metrics.share(2)
    metrics.begin_request()
    metrics.end_request("api", 0.1)
    metrics.begin_request()
    metrics.take_slot(1)
    metrics.begin_request()
    assert _read(metrics, catalog.IN_FLIGHT) == [2]
    metrics.forget_requests(0)
    assert _read(metrics, catalog.IN_FLIGHT) == [1]
    metrics.take_slot(1)
    assert _read(metrics, catalog.IN_FLIGHT) == [0]
    assert sum(_read(metrics, catalog.REQUESTS, "api")[:-1]) == 1


def test_rare_events_are_counted_by_name() -> None:
    """Each method adds to its own series."""
    metrics = Metrics()
    metrics.count_restart("fold")
    metrics.count_email("failed")
    metrics.count_folded(7)
    metrics.count_database_error()
    metrics.count_commit_error()
    metrics.count_connection()
    assert _read(metrics, catalog.RESTARTS, "fold") == _read(metrics, catalog.EMAILS, "failed") == [1]
    assert _read(metrics, catalog.FOLDED) == [7]
    for family in (catalog.DATABASE_ERRORS, catalog.COMMIT_ERRORS, catalog.CONNECTIONS):
        assert _read(metrics, family) == [1]


def test_failures_to_fold_outlive_their_process() -> None:
    """The next fold process reads how many there were, and its end counts as one."""
    metrics = Metrics()
    metrics.share(2)
    metrics.take_slot(1)
    metrics.note_fold_failures(2)
    metrics.take_slot(0)
    metrics.count_fold_crash(1)
    assert _read(metrics, catalog.FOLD_FAILURES) == [3]
    metrics.take_slot(1)
    assert metrics.read_fold_failures() == 3
    metrics.note_fold_failures(0)
    assert _read(metrics, catalog.FOLD_FAILURES) == [0]
