"""Addresses of one customer count as one."""

import pytest

from ari.accounts.networks import network_of, networks_around, site_of


@pytest.mark.parametrize(
    ("address", "network", "site"),
    [
        ("192.0.2.7", "192.0.2.7", None),
        ("::ffff:192.0.2.7", "192.0.2.7", None),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        (None, "unknown", None),
        ("unix socket", "unknown", None),
    ],
)
def test_the_network_of_an_address(address: str | None, network: str, site: str | None) -> None:
    """A customer has one IPv4 address, but 2^64 IPv6 addresses or more (RFC 6177)."""
    assert (network_of(address), site_of(address)) == (network, site)


def test_places_are_near_by_width() -> None:
    """The narrowest width is one customer's, the widest that of many providers."""
    here, neighbor, far = (networks_around(one).widths for one in ("192.0.2.7", "192.0.2.8", "198.51.100.7"))
    assert [one == other for one, other in zip(here, neighbor, strict=True)] == [False, True, True, True]
    assert here[1:3] != far[1:3]
    one, other = (networks_around(f"2001:db8:1:{n}::1").widths for n in (2, 3))
    assert one == other


def test_a_place_is_one_number() -> None:
    """For storage; no address can be read from it."""
    place = networks_around("192.0.2.7")
    assert place.number >> 64 == 0
    assert place.number & 0xFFFF == place.widths[0]
