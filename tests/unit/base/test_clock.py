"""Time: one format out, strict in."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.base.clock import (
    LATEST_MS,
    FileClock,
    SystemClock,
    from_rfc3339,
    in_words,
    read_boot_id,
    to_rfc3339,
)
from tests.support.clock import FrozenClock


@given(st.integers(-62_135_596_800_000, LATEST_MS))
def test_every_instant_survives_the_way_out_and_in(at_ms: int) -> None:
    """RFC 3339 with milliseconds and Z loses nothing."""
    text = to_rfc3339(at_ms)
    assert text.endswith("Z")
    assert from_rfc3339(text) == at_ms


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1970-01-01t00:00:00.123456z", 123),
        ("1969-12-31T23:59:59.999Z", -1),
    ],
)
def test_what_is_read(text: str, at_ms: int) -> None:
    """Offsets count; fractions are kept to milliseconds."""
    assert from_rfc3339(text) == at_ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2027-01-01",
        "2027-01-01T00:00:00",
        "20270101T000000Z",
        "now",
        "2027-13-01T00:00:00Z",
        "1" * 50,
        "2027-W01-1T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_what_is_refused(text: str) -> None:
    """Anything but RFC 3339 with an offset."""
    with pytest.raises(ValueError):  # noqa: PT011 - the function promises no more
        from_rfc3339(text)


@given(st.text(max_size=45))
def test_only_value_error(text: str) -> None:
    """No text breaks the parser otherwise, and what it takes can be written again."""
    try:
        found = from_rfc3339(text)
    except ValueError:
        return
    assert from_rfc3339(to_rfc3339(found)) == found


def test_a_frozen_clock_distinguishes_passing_from_setting() -> None:
    """advance lets time pass; step only sets the time of day."""
    clock = FrozenClock(1_000)
    clock.advance(2)
    assert (clock.now_ms(), clock.monotonic()) == (3_000, 2)
    clock.step(-1)
    assert (clock.now_ms(), clock.monotonic()) == (2_000, 2)


def test_the_test_mode_reads_its_file_each_time(tmp_path: Path) -> None:
    """A test can move the clock of a running server; without the file it is the machine's."""
    clock = FileClock(tmp_path / "offset")
    before = clock.now_ms()
    (tmp_path / "offset").write_text("3600000")
    assert clock.now_ms() - before >= 3_600_000


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (45, "45 seconds"),
        (120, "2 minutes"),
        (293, "5 minutes"),
        (7_200, "2 hours"),
        (7_201, "2 hours 1 minute"),
        (7_760, "2 hours 10 minutes"),
        (10_799, "3 hours"),
        (172_799, "48 hours"),
        (172_800, "2 days"),
        (266_401, "3 days 3 hours"),
    ],
)
def test_waits_in_words(seconds: int, words: str) -> None:
    """Rounded up, to the minute and from two days to the hour: a wait of 2:09 isn't 3 hours."""
    assert in_words(seconds) == words


def test_uptime_is_that_of_the_machine(tmp_path: Path) -> None:
    """Every process reads the same one, and setting the time of day back does not change it."""
    clock, file = SystemClock(), tmp_path / "offset"
    before_ms = clock.uptime_ms()
    assert 0 < before_ms <= FileClock(file).uptime_ms() <= clock.uptime_ms()
    file.write_text("-3600000")
    assert FileClock(file).uptime_ms() < before_ms + 3_600_000
    file.write_text("3600000")
    assert FileClock(file).uptime_ms() >= before_ms + 3_600_000


def test_the_machine_has_one_boot_id() -> None:
    """It fits the column of the counters' clock."""
    assert 0 < len(read_boot_id()) <= 64
    assert read_boot_id() == read_boot_id()
