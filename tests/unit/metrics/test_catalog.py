"""The list of metrics: its names and labels are bounded, and each series has cells of its own."""

import re

from ari.keys.reasons import REASONS
from ari.metrics.catalog import FAMILIES, IN_FLIGHT, REQUESTS, RESULTS, VERIFICATIONS, Layout

MAX_SERIES = 100
"""Of one metric, without the buckets of a histogram: Prometheus keeps each in memory."""


def test_every_reason_of_a_refusal_is_a_result() -> None:
    """Otherwise an operator could not see why requests are refused."""
    assert set(REASONS) < set(RESULTS)


def test_series_are_few_and_named_as_prometheus_wants() -> None:
    """A label whose values callers choose would fill the memory of whatever collects it."""
    for family in FAMILIES:
        assert re.fullmatch(r"ari_[a-z_]+", family.name)
        assert 1 <= len(list(family.list_series())) <= MAX_SERIES
        assert family.bounds == tuple(sorted(set(family.bounds)))


def test_no_two_series_share_a_cell() -> None:
    """A count would appear under another name."""
    layout = Layout()
    taken = [
        cell
        for family in FAMILIES
        for values in family.list_series()
        for cell in range(layout.find(family, *values), layout.find(family, *values) + family.width)
    ]
    assert sorted(taken) == list(range(layout.size))
    assert REQUESTS.width == len(REQUESTS.bounds) + 2
    assert IN_FLIGHT.width == VERIFICATIONS.width == 1
