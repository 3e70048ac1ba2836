"""Reports and requests for links are limited for each network, across processes and however the clock steps."""

import pytest

from ari.accounts.attempt_counts import (
    REPORTS_PER_HOUR_AND_ADDRESS,
    REPORTS_PER_HOUR_AND_SITE,
    count_attempt,
    count_leak_report,
)
from ari.base.clock import HOUR_MS, MINUTE_MS
from ari.base.errors import RateLimited
from tests.support.clock import FrozenClock
from tests.unit.accounts.memory import MemoryTransaction


def count_until_refused(tx: MemoryTransaction, addresses: list[str]) -> int:
    """How many reports are taken from these addresses in turn."""
    for number in range(1_000):
        try:
            count_leak_report(tx.visit_from(addresses[number % len(addresses)]))
        except RateLimited:
            return number
    raise AssertionError("a thousand reports")


def test_reports_are_limited_by_address(tx: MemoryTransaction, clock: FrozenClock) -> None:
    """Another address has its own count, and after an hour there is room again."""
    assert count_until_refused(tx, ["192.0.2.7"]) == REPORTS_PER_HOUR_AND_ADDRESS
    assert count_until_refused(tx, ["192.0.2.8"]) == REPORTS_PER_HOUR_AND_ADDRESS
    clock.advance(3_600)
    assert count_until_refused(tx, ["192.0.2.7"]) == REPORTS_PER_HOUR_AND_ADDRESS


def test_a_customers_ipv6_networks_share_a_limit(tx: MemoryTransaction) -> None:
    """A customer has 65,536 /64s."""
    addresses = [f"2001:db8:1:{number:x}::1" for number in range(100)]
    assert count_until_refused(tx, addresses) == REPORTS_PER_HOUR_AND_SITE


def test_a_caller_without_an_address_is_limited_too(tx: MemoryTransaction) -> None:
    """All of them together."""
    for _ in range(REPORTS_PER_HOUR_AND_ADDRESS):
        count_leak_report(tx.visit_from(None))
    with pytest.raises(RateLimited, match=r"^Too many reports\. Try again in 60 minutes\.$"):
        count_leak_report(tx.visit_from(None))


def test_a_refused_attempt_is_not_counted(tx: MemoryTransaction, clock: FrozenClock) -> None:
    """Trying again makes nobody wait longer; the error names the first free time, also after a step back."""
    for _ in range(2):
        count_attempt(tx, "x", "No.", (HOUR_MS, 2))
    clock.advance(50 * 60)
    for _ in range(5):
        with pytest.raises(RateLimited) as refused:
            count_attempt(tx, "x", "No.", (HOUR_MS, 2))
        assert refused.value.retry_after_seconds == 600
    clock.advance(-90 * 60)
    with pytest.raises(RateLimited) as refused:
        count_attempt(tx, "x", "No.", (HOUR_MS, 2))
    assert refused.value.retry_after_seconds == 3_600


def test_every_span_has_its_limit(tx: MemoryTransaction, clock: FrozenClock) -> None:
    """Two a minute and three an hour."""
    limits = (MINUTE_MS, 2), (HOUR_MS, 3)
    count_attempt(tx, "x", "No.", *limits)
    count_attempt(tx, "x", "No.", *limits)
    with pytest.raises(RateLimited):
        count_attempt(tx, "x", "No.", *limits)
    clock.advance(60)
    count_attempt(tx, "x", "No.", *limits)
    clock.advance(60)
    with pytest.raises(RateLimited):
        count_attempt(tx, "x", "No.", *limits)


def test_outdated_counts_are_removed(tx: MemoryTransaction, clock: FrozenClock) -> None:
    """Reports from ever new addresses don't fill the table."""
    for number in range(20):
        count_leak_report(tx.visit_from(f"192.0.2.{number}"))
    clock.advance(3_600)
    count_leak_report(tx.visit_from("198.51.100.1"))
    assert all(tx.accounts.attempts(f"leak:from:192.0.2.{number}") == () for number in range(20))
