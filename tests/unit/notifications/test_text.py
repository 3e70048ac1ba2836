"""Text, times and numbers in emails."""

import pytest

from ari.base.clock import DAY_MS
from ari.notifications.text import count, days_between, defang, format_time, join, join_addresses, quote
from tests.support.notices import AT_MS, OFFICE, SAMPLES, compose_sample


def test_times_are_in_the_owners_zone_and_in_utc() -> None:
    """With the date of UTC where that is another day, and the zone's own name where it has no short one."""
    assert format_time(AT_MS, "UTC") == "Nov 25, 2026, 6:23 PM UTC"
    assert format_time(AT_MS, "Europe/Berlin") == "Nov 25, 2026, 7:23 PM CET (6:23 PM UTC)"
    assert format_time(AT_MS, "Asia/Tokyo") == "Nov 26, 2026, 3:23 AM JST (Nov 25, 2026, 6:23 PM UTC)"
    assert format_time(AT_MS, "America/Sao_Paulo") == "Nov 25, 2026, 3:23 PM America/Sao_Paulo (6:23 PM UTC)"
    for kind, happened in SAMPLES.items():
        if "When" in dict(compose_sample(kind).facts):
            assert dict(compose_sample(kind).facts)["When"] == format_time(happened.at_ms, OFFICE.zone)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Deploy.", "Deploy."),
        ("visit evil.example now", "visit evil[.]example now"),
        ("https://evil.example", "https[:]//evil[.]example"),
        ("a@b.example", "a[at]b[.]example"),
        ("evil。example", "evil[。]example"),
        ("one\r\ntwo\u202e three", "one two three"),
        ("“quoted”", '"quoted"'),
    ],
)
def test_text_of_callers_cannot_become_a_link(text: str, shown: str) -> None:
    """Security rule 40: an email client must not make what a stranger wrote clickable."""
    assert defang(text) == shown


def test_text_of_callers_is_short_and_without_secrets() -> None:
    """Promise 4, also for a key that someone used as a name."""
    token = "ari_k_" + "A1b2C3d4E5" * 4 + "xyz" + "000000"
    assert token not in defang(f"my {token}")
    assert quote("x" * 100) == f"“{'x' * 59}…”"


def test_numbers_agree_with_their_nouns() -> None:
    """And have separators."""
    numbers = count(1, "call"), count(12_000, "call"), count(2, "entry", "entries")
    assert numbers == (
        "1 call",
        "12,000 calls",
        "2 entries",
    )


def test_long_lists_are_shortened() -> None:
    """With the number of the others; an address stays readable, other text is defanged."""
    assert join(map(str, range(7)), 5) == "0, 1, 2, 3, 4 and 2 more"
    assert join_addresses(["192.0.2.1", "2001:db8::/64", "evil.example"]) == "192.0.2.1, 2001:db8::/64, evil[.]example"


def test_days_are_whole() -> None:
    """And never negative."""
    assert [days_between(0, ms) for ms in (DAY_MS - 1, DAY_MS, -1)] == [0, 1, 0]
