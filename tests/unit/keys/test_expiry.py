"""Expiry: the seed's six choices, and exact times."""

import re

import pytest

from ari.base.clock import DAY_MS, HOUR_MS, LATEST_MS
from ari.base.errors import Invalid
from ari.keys.expiry import EXPIRES_PATTERN, EXPIRY_CHOICES, expiry_of, find_choice, list_choices

NOW = 1_800_000_000_000
WRONG = ("", "90D", "0d", "14", "d", "-1d", "1.5d", "1d12h", "14 d", "30m", "1000000h", "101y", "36501d", "٣d", "Never")


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
    ("word", "at_ms"), [(word, None) for word in WRONG] + [("7d", NOW + 1), (None, NOW), (None, LATEST_MS + 1)]
)
def test_what_is_refused(word: str | None, at_ms: int | None) -> None:
    """Unknown words, both at once, past times, times that cannot be written."""
    with pytest.raises(Invalid):
        expiry_of(word, at_ms, NOW)


def test_there_is_no_shortest_life() -> None:
    """One millisecond is a lifetime."""
    assert expiry_of(None, NOW + 1, NOW) == NOW + 1


@pytest.mark.parametrize(
    ("word", "lifetime_ms", "label"),
    [
        ("36h", 36 * HOUR_MS, "36 hours"),
        ("14d", 14 * DAY_MS, "14 days"),
        ("1w", 7 * DAY_MS, "1 week"),
        ("2y", 730 * DAY_MS, "2 years"),
        ("100y", 36_500 * DAY_MS, "100 years"),
        ("876000h", 36_500 * DAY_MS, "876000 hours"),
    ],
)
def test_other_durations(word: str, lifetime_ms: int, label: str) -> None:
    """In whole hours, days, weeks and years, 100 years at most."""
    assert expiry_of(word, None, NOW) == NOW + lifetime_ms
    assert find_choice(word).label == label
    assert list(list_choices(word)) == [word, *EXPIRY_CHOICES]


def test_the_documented_pattern_is_what_works() -> None:
    """But for the longest lifetime, which a pattern can't say."""
    too_long = {"101y", "36501d"}
    for word in (*EXPIRY_CHOICES, "36h", "100y"):
        assert re.search(EXPIRES_PATTERN, word), word
    assert {word for word in WRONG if re.search(EXPIRES_PATTERN, word)} == too_long
    assert list_choices(None) == list_choices("7d") == EXPIRY_CHOICES
