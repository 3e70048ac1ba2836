"""Reports from rollups: a span may cut days, and their sums are those of the log."""

import pytest

from ari.base.clock import DAY_MS, HOUR_MS
from ari.instance import Instance
from ari.usage.model import Attempt, KeyCount, RouteCount, TopKeys
from ari.usage.ports import Batch
from ari.usage.search import UsageSearch
from ari.usage.spans import CodeCount
from tests.support.instances import START_MS
from tests.support.usage import KEY, OTHER_KEY, make_row

DAY = START_MS - START_MS % DAY_MS


@pytest.fixture
def three_days(instance: Instance) -> Instance:
    """One request of KEY in each hour of three days, and two refused ones of OTHER_KEY at noon of each."""
    rows = [make_row(DAY + hour * HOUR_MS) for hour in range(72)]
    noons = [DAY + day * DAY_MS + DAY_MS // 2 for day in range(3)]
    rows += [make_row(noon, key_id=OTHER_KEY, code="expired", route="/v1", count=2) for noon in noons]
    attempts = [Attempt(DAY, "unknown", "192.0.2.1", 3), Attempt(DAY + HOUR_MS, "missing", "192.0.2.2")]
    instance.database.usage.commit(Batch(rows, [], attempts))
    return instance


@pytest.mark.parametrize(("first", "last"), [(0, 72), (0, 24), (5, 9), (20, 30), (12, 13), (13, 60), (1, 71), (24, 25)])
def test_the_most_used_keys_of_any_span_of_hours(three_days: Instance, first: int, last: int) -> None:
    """Whole days come from the daily rollup and the ends from the hourly one: no hour is missed or counted twice."""
    top = three_days.database.reports.top_keys(DAY + first * HOUR_MS, DAY + last * HOUR_MS, 9)
    noons = sum(2 for noon in (12, 36, 60) if first <= noon < last)
    expected = [KeyCount(KEY, last - first, 0)]
    expected += [KeyCount(OTHER_KEY, 0, noons)] if noons else []
    assert sorted(top.shown, key=lambda one: one.key_id) == expected
    assert (top.keys, top.requests) == (len(expected), last - first + noons)


def test_a_short_list_counts_the_keys_that_it_leaves_out(three_days: Instance) -> None:
    """So that the page can say how many there are."""
    top = three_days.database.reports.top_keys(DAY, DAY + 3 * DAY_MS, 1)
    assert (top.shown, top.keys, top.requests) == ([KeyCount(KEY, 72, 0)], 2, 78)


def test_hours_of_one_key_and_of_all(three_days: Instance) -> None:
    """Until the end of the span, without it; attempts are counted apart from requests with a key."""
    reports, noon = three_days.database.reports, DAY + DAY_MS // 2
    assert reports.hours(OTHER_KEY, DAY, DAY + DAY_MS) == [CodeCount(noon, "expired", 2)]
    assert reports.hours(OTHER_KEY, DAY, noon) == []
    every = reports.hours(None, noon, noon + HOUR_MS)
    assert sorted(every, key=lambda one: one.code) == [CodeCount(noon, "expired", 2), CodeCount(noon, "ok", 1)]
    assert sum(one.count for one in reports.attempts(DAY, DAY + DAY_MS)) == 4
    assert reports.routes(OTHER_KEY, DAY, DAY + DAY_MS) == [RouteCount("/v1", 0, 2)]


def test_addresses_with_the_most_attempts_first(three_days: Instance) -> None:
    """The requested number."""
    found = three_days.database.reports.attempt_addresses(DAY, DAY + DAY_MS, 9)
    assert [(one.address, one.count) for one in found] == [("192.0.2.1", 3), ("192.0.2.2", 1)]
    assert three_days.database.reports.attempt_addresses(DAY, DAY + DAY_MS, 1) == found[:1]


@pytest.mark.parametrize("size", [10, 75, 100])
def test_an_export_reads_every_row_once(three_days: Instance, size: int) -> None:
    """Page by page, whatever their size."""
    ids = [row.id for page in three_days.database.reports.pages(UsageSearch(), size) for row in page]
    assert len(ids) == len(set(ids)) == 75


def test_an_empty_span_has_no_keys(instance: Instance) -> None:
    """Not at midnight either, where no whole day and no hour is left."""
    for at_ms in (START_MS, START_MS + 1):
        assert instance.database.reports.top_keys(at_ms, at_ms, 5) == TopKeys([], 0, 0)
