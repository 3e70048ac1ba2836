"""Expiry: the seed's six choices, and exact times."""

import pytest

from ari.base.clock import DAY_MS, HOUR_MS, LATEST_MS
from ari.base.errors import Invalid
from ari.keys.expiry import EXPIRY_CHOICES, expiry_of

NOW = 1_800_000_000_000


def test_the_six_choices_in_the_seeds_order() -> None:
    """1 hour, 7 days, 30 days, 90 days, 1 year, Never."""
    assert list(EXPIRY_CHOICES) == ["1h", "7d", "30d", "90d", "1y", "never"]
    spans = [expiry_of(word, None, NOW) for word in EXPIRY_CHOICES]
    days = (7, 30, 90, 365)
    assert spans == [NOW + HOUR_MS, *(NOW + count * DAY_MS for count in days), None]


def test_left_out_means_never() -> None:
    """The API and the command line choose nothing for their caller."""
    assert expiry_of(None, None, NOW) is None


@pytest.mark.parametrize(
    ("word", "at_ms"), [("2d", None), ("", None), ("90D", None), ("7d", NOW + 1), (None, NOW), (None, LATEST_MS + 1)]
)
def test_what_is_refused(word: str | None, at_ms: int | None) -> None:
    """Unknown words, both at once, past times, times that cannot be written."""
    with pytest.raises(Invalid):
        expiry_of(word, at_ms, NOW)


def test_there_is_no_shortest_life() -> None:
    """One millisecond is a lifetime."""
    assert expiry_of(None, NOW + 1, NOW) == NOW + 1
