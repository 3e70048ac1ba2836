"""Which network addresses an outbound call may reach (security.md 38). Pure functions.

The tables are those of the IANA registries of special-purpose addresses (RFC 6890 and its successors), written out:
what Python's ``ipaddress`` calls global differs between its versions and includes multicast.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Self
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Reach(Enum):
    """``GLOBAL``: the open Internet. ``PRIVATE``: this machine and its networks. ``NEVER``: neither."""

    GLOBAL = "global"
    PRIVATE = "private"
    NEVER = "never"


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


_PRIVATE = _networks(
    "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"
)
_METADATA = _networks(
    "100.100.100.200/32",  # Alibaba Cloud
    "168.63.129.16/32",  # Azure
    "192.0.0.192/32",  # Oracle Cloud
    "fd00:ec2::/32",  # Amazon; the usual 169.254.169.254 is link-local
    "fd20:ce::254/128",  # Google Cloud
)
_NOT_GLOBAL_4 = _networks(
    "0.0.0.0/8",
    "169.254.0.0/16",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
)
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
_NOT_GLOBAL_6 = _networks("2001::/23", "2001:db8::/32", "3fff::/20")

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_6TO4 = ipaddress.IPv6Network("2002::/16")


def network_around(address: Address, prefix_length: int) -> str:
    """The network of this prefix length around the address."""
    return str(ipaddress.ip_network((address, prefix_length), strict=False))


def counter_address(address: Address) -> str:
    """The address that counters and limits use: IPv6 by its /64, since one subscriber has all of it."""
    return str(address) if address.version == 4 else network_around(address, 64)


def unwrap(address: Address) -> Address:
    """The IPv4 address that an IPv6 one only carries (mapped, NAT64, 6to4); any other address as it is."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _MAPPED or address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if address in _6TO4:
            return ipaddress.IPv4Address(int(address) >> 80 & 0xFFFF_FFFF)
    return address


def reach(text: str) -> Reach:
    """Where this address leads. What is no address leads nowhere."""
    try:
        address = unwrap(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return Reach.NEVER
    if _within(address, _METADATA):
        return Reach.NEVER
    if _within(address, _PRIVATE):
        return Reach.PRIVATE
    if isinstance(address, ipaddress.IPv6Address):
        is_global = address in _GLOBAL_6 and not _within(address, _NOT_GLOBAL_6)
    else:
        is_global = not _within(address, _NOT_GLOBAL_4)
    return Reach.GLOBAL if is_global else Reach.NEVER


def is_permitted(text: str, *, private: bool) -> bool:
    """Whether a call may connect to this address; ``private``: the owner named it, or a setting lists it."""
    found = reach(text)
    return found is Reach.GLOBAL or (private and found is Reach.PRIVATE)


_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
HOST_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
"""A host name in lower case, as people and containers have them: underscores too."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """One entry of an ``AddressList``; ``port`` ``None`` = every port."""

    host: Network | str
    port: int | None


@dataclass(frozen=True, slots=True)
class AddressList:
    """Private addresses, networks and host names that a setting allows.

    A name counts only where it is listed as that name, since the operator of its DNS decides what a name resolves to.
    """

    entries: tuple[_Listed, ...] = ()

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """From ``10.0.0.0/8``, ``192.168.1.20:11434``, ``[fd00::1]:11434``, ``ollama``, ``nas.lan:8080``, and so on.

        Raises ``ValueError`` with a sentence for people.
        """
        return cls(tuple(_parse_list(text) for text in texts))

    def allows(self, base_url: str) -> bool:
        """Whether the host and port of this URL are listed."""
        parts = urlsplit(base_url)
        host, port = parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        try:
            address = unwrap(ipaddress.ip_address(host))
        except ValueError:
            return any(one.host == host and one.port in (None, port) for one in self.entries)
        return any(
            not isinstance(one.host, str) and address in one.host and one.port in (None, port) for one in self.entries
        )


NO_ADDRESSES = AddressList()


def _parse_list(text: str) -> _Listed:
    host, port = text.strip().lower(), None
    if (match := re.fullmatch(r"(\[[^\]]*\]|[^:\[\]]*):([0-9]{1,5})", host)) is not None:
        host, port = match[1], int(match[2])
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    try:
        network = ipaddress.ip_network(host, strict=False)
    except ValueError:
        fits = HOST_NAME.fullmatch(host) is not None and not is_number(host)
        found: Network | str = host
    else:
        fits = network.num_addresses > 1 or reach(host) is not Reach.NEVER
        found = network
    if not fits or port == 0 or (port or 0) > 65_535:
        raise ValueError("give addresses, networks or host names, such as 10.0.0.0/8 or ollama:11434")
    return _Listed(found, port)


def is_number(host: str) -> bool:
    """Whether resolvers read this name as an IPv4 address written otherwise, such as ``2130706433`` or ``0x7f.1``.

    Source: the WHATWG URL standard, "ends in a number".
    """
    return re.fullmatch(r"(.*\.)?([0-9]+|0x[0-9a-f]*)", host) is not None


def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)
