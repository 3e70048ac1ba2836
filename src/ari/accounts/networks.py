"""A visitor's network at several widths, so that all addresses of one internet customer count as one."""

import hashlib
import ipaddress
from dataclasses import dataclass

from ari.base.addresses import counter_address, network_around

_WIDTHS = {4: (32, 24, 16, 8), 6: (48, 40, 32, 24)}
"""Prefixes from one customer's to that of hundreds of networks. A provider gives its customer one IPv4 address, or an
IPv6 network of up to a /48 (RFC 6177); a registry gives the provider an IPv6 /32 or more."""
WIDTH_BITS = 16


@dataclass(frozen=True, slots=True)
class AddressNetworks:
    """The networks around an address, from one customer's outward, each as 16 bits of its SHA-256."""

    widths: tuple[int, ...]

    @property
    def number(self) -> int:
        """All of it in one number, for storage."""
        return sum(width << WIDTH_BITS * index for index, width in enumerate(self.widths))


PLACE_BITS = WIDTH_BITS * len(_WIDTHS[4])


def networks_around(client_address: str | None) -> AddressNetworks:
    """The place of an address; all that are no addresses share one."""
    address = _address(client_address)
    if address is None:
        return AddressNetworks(tuple(_digest("unknown") for _ in _WIDTHS[4]))
    return AddressNetworks(tuple(_digest(network_around(address, width)) for width in _WIDTHS[address.version]))


def network_of(client_address: str | None) -> str:
    """The address, or for IPv6 its /64: one customer has at least that many."""
    address = _address(client_address)
    if address is None:
        return "unknown"
    return counter_address(address)


def site_of(client_address: str | None) -> str | None:
    """For IPv6 the /48, which one customer may have; for IPv4 there is nothing between an address and a provider."""
    address = _address(client_address)
    return None if address is None or address.version == 4 else network_around(address, 48)


def _address(text: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def _digest(network: str) -> int:
    return int.from_bytes(hashlib.sha256(network.encode()).digest()[: WIDTH_BITS // 8])
