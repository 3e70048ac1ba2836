"""Times, numbers and choices from the command line."""

import pytest
import typer

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from ari.cli.time_args import instant, one_of, since, whole_number

NOW_MS = 1_800_000_000_000


@pytest.mark.parametrize(
    ("text", "span_ms"),
    [("90s", 90 * SECOND_MS), ("15m", 15 * MINUTE_MS), ("24h", 24 * HOUR_MS), ("7d", 7 * DAY_MS), ("2w", 14 * DAY_MS)],
)
def test_spans_count_back_from_now(text: str, span_ms: int) -> None:
    """``--since 24h`` means the last 24 hours."""
    assert since(text, NOW_MS) == NOW_MS - span_ms


def test_since_also_takes_a_time() -> None:
    """An exact time is exact, in any offset."""
    assert since("2027-01-15T09:00:00+01:00", NOW_MS) == NOW_MS
    assert since(None, NOW_MS) is None


def test_a_span_longer_than_time_is_all_of_it() -> None:
    """No span leads before 1970."""
    assert since("999999999w", NOW_MS) == 0


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "24 h", "1y", "yesterday", "2027-01-15", "٣h"])
def test_other_words_are_refused(text: str) -> None:
    """A typo is a usage error, never another span."""
    with pytest.raises(typer.BadParameter):
        since(text, NOW_MS)


def test_an_instant_without_an_offset_is_refused() -> None:
    """Nobody guesses a time zone."""
    with pytest.raises(typer.BadParameter):
        instant("2027-01-15T08:00:00", "--expires-at")


@pytest.mark.parametrize("text", ["", "x", "1.5", "+1", " 1", "1_0", "٣", "0", "-1", "9" * 19])
def test_only_whole_numbers_within_the_limit(text: str) -> None:
    """The sentence says the limit."""
    assert whole_number(1)("7") == 7
    assert whole_number()("-7") == -7
    with pytest.raises(typer.BadParameter, match="1 or more"):
        whole_number(1)(text)


def test_only_one_of_the_choices() -> None:
    """In the case that they have; the sentence lists them."""
    assert one_of("csv", "json")("csv") == "csv"
    with pytest.raises(typer.BadParameter, match="choose csv or json"):
        one_of("csv", "json")("CSV")
