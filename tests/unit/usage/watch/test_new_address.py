"""A key used from a network for the first time."""

from ari.base.clock import DAY_MS
from ari.usage.model import KeyClient
from ari.usage.watch.model import Limits, ScanWindow
from ari.usage.watch.new_address import NewAddresses, find_new_addresses
from tests.unit.usage.watch.samples import LIMITS, LOOK, NOW_MS, make_key


def make_client(address: str, days_ago: float) -> KeyClient:
    at_ms = NOW_MS - int(days_ago * DAY_MS)
    return KeyClient(address, 1, 0, at_ms, NOW_MS)


def find_addresses(
    fresh: list[KeyClient], known: list[KeyClient], limits: Limits = LIMITS, look: ScanWindow = LOOK
) -> list[str]:
    found = find_new_addresses([NewAddresses(make_key(), fresh, [*known, *fresh])], look, limits, set())
    return [one.detail["address"] for one in found]


def test_a_new_network_is_reported() -> None:
    """Of IPv4 and IPv6; several addresses of it are one piece of news; a single address where the setting says so."""
    home = [make_client("192.0.2.7", 20), make_client("2001:db8:1::7", 20)]
    assert find_addresses([make_client("203.0.113.5", 0.01)], home) == ["203.0.113.5"]
    assert find_addresses([make_client("2001:db8:2::1", 0.01)], home) == ["2001:db8:2::1"]
    assert find_addresses([make_client("203.0.113.5", 0.02), make_client("203.0.113.6", 0.01)], home) == ["203.0.113.5"]
    assert find_addresses([make_client("192.0.2.8", 0.01), make_client("2001:db8:1:9::1", 0.01)], home) == []
    assert find_addresses([make_client("192.0.2.8", 0.01)], home, Limits(new_from="address")) == ["192.0.2.8"]


def test_a_new_network_that_is_expected_is_not_reported() -> None:
    """The first day; a wandering key; before the watch; addresses that can't be distinguished; a socket's name."""
    home = [make_client("192.0.2.7", 20)]
    new = [make_client("203.0.113.5", 0.01)]
    assert find_addresses(new, [make_client("192.0.2.7", 0.9)]) == []
    assert find_addresses(new, [make_client(f"10.0.{n}.1", 20) for n in range(5)]) == []
    assert find_addresses(new, home, look=ScanWindow(NOW_MS, NOW_MS, NOW_MS)) == []
    assert find_addresses([make_client("other", 0.01)], home) == []
    assert find_addresses(new, [make_client("other", 20)]) == []
    assert find_addresses([make_client("unix socket", 0.01)], home) == ["unix socket"]
    dead_one = NewAddresses(make_key(revoked_at_ms=NOW_MS - 1), new, [*home, *new])
    assert find_new_addresses([dead_one], LOOK, LIMITS, set()) == []


def test_a_log_that_starts_to_keep_networks_reports_nothing() -> None:
    """The network of a known address is known; a wider one that holds none of them is not."""
    home = [make_client("192.0.2.7", 20)]
    assert find_addresses([make_client("192.0.2.0/24", 0.01)], home) == []
    assert find_addresses([make_client("203.0.113.0/24", 0.01)], home) == ["203.0.113.0/24"]
