"""Where a request really comes from.

``X-Forwarded-For`` counts only behind trusted proxies and is read from the right, the only side that a client cannot
write (security.md 8).
"""

import ipaddress
from collections.abc import Sequence

from ari.base.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_address(text: str) -> Address | None:
    """The address without port, brackets, zone or IPv4 mapping; ``None`` for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def within(address: Address, networks: Sequence[Network]) -> bool:
    """Whether the address lies in one of the networks."""
    return any(address.version == network.version and address in network for network in networks)


def client_address(peer: str | None, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> Address | None:
    """The nearest address that is not a trusted proxy; an unreadable hop ends the walk at the last one read."""
    current = parse_address(peer) if peer else None
    if current is None or not trusted:
        return current
    hops = ",".join(forwarded_for).split(",") if forwarded_for else []
    while hops and within(current, trusted):
        hop = parse_address(hops.pop())
        if hop is None:
            break
        current = hop
    return current
