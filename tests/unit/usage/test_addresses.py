"""Addresses of a key that count as new, and those that are suggested for its list."""

from ari.base.clock import DAY_MS
from ari.usage.addresses import new_addresses, suggest_addresses
from ari.usage.model import OTHERS, KeyClient


def test_a_new_address_is_one_that_an_old_key_did_not_use_before() -> None:
    """Not those of its first day, not those of long ago, not undistinguishable ones; the newest first."""
    now_ms = 100 * DAY_MS

    def make_client(value: str, days_ago: float) -> KeyClient:
        return KeyClient(value, 1, 0, round(now_ms - days_ago * DAY_MS), now_ms)

    all_seen = [
        make_client("a", 30),
        make_client("b", 5),
        make_client("c", 6.9),
        make_client("d", 7.1),
        make_client("other", 1),
    ]
    assert [one.value for one in new_addresses(all_seen, round(now_ms - 30 * DAY_MS), now_ms)] == ["b", "c"]
    assert new_addresses(all_seen[1:3], round(now_ms - 5.5 * DAY_MS), now_ms) == []
    assert new_addresses(all_seen, None, now_ms) == []


def test_suggested_addresses_made_allowed_requests_lately() -> None:
    """Refused requests suggest nothing: anyone can cause those. Old ones, unknown ones and the rest don't either."""
    now_ms = 100 * DAY_MS
    seen = [
        KeyClient("203.0.113.7", 5, 0, 0, now_ms),
        KeyClient("198.51.100.0/24", 1, 9, 0, now_ms - DAY_MS),
        KeyClient("::ffff:203.0.113.7", 1, 0, 0, now_ms - DAY_MS),
        KeyClient("192.0.2.1", 0, 50, 0, now_ms),
        KeyClient("192.0.2.2", 50, 0, 0, now_ms - 30 * DAY_MS),
        KeyClient(OTHERS, 50, 0, 0, now_ms),
        KeyClient("", 50, 0, 0, now_ms),
    ]
    assert suggest_addresses(seen, now_ms) == ["203.0.113.7/32", "198.51.100.0/24"]


def test_suggested_addresses_are_as_many_as_a_key_takes() -> None:
    """The last seen ones."""
    seen = [KeyClient(f"10.0.{number // 250}.{number % 250}", 1, 0, 0, DAY_MS) for number in range(200)]
    assert suggest_addresses(seen, DAY_MS) == [f"10.0.0.{number}/32" for number in range(100)]
