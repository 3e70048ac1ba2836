"""Find the address of a request's client.

``X-Forwarded-For`` counts only behind trusted proxies and is read from the right, the only side that a client cannot
write (security.md 8).
"""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from ari.base.addresses import Network, counter_address

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_CACHE_SIZE = 4_096
_MAX_CACHED_LENGTH = 64
_MAX_CACHED_CHAIN = 256
"""Bytes of ``X-Forwarded-For``."""


class Client(NamedTuple):
    """The client's address, parsed and as text."""

    address: Address | None
    text: str | None


@lru_cache(_CACHE_SIZE)
def client_at(address: Address | None) -> Client:
    """The client with this address; cached, because the text costs 3 µs."""
    return Client(address, None if address is None else str(address))


def bucket_of(address: Address | None) -> str | None:
    """The address that counters use, ``None`` for none."""
    return None if address is None else counter_address(address)


def parse_address(text: str) -> Address | None:
    """The address without port, brackets, zone or IPv4 mapping; ``None`` for anything else."""
    text = text.strip()
    return _parse(text) if len(text) <= _MAX_CACHED_LENGTH else _parse.__wrapped__(text)


@lru_cache(_CACHE_SIZE)
def _parse(text: str) -> Address | None:
    """Cached, because parsing costs 5 µs."""
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


class ClientFinder:
    """Finds the clients of requests; ``trusted`` are the proxies whose ``X-Forwarded-For`` counts.

    Clients are cached by what is sent, as most send many requests.
    """

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = trusted
        self._find_cached = lru_cache(_CACHE_SIZE)(self._find)
        self.trusts = lru_cache(_CACHE_SIZE)(self._trusts)
        """Returns whether the address of a connection is a trusted proxy's."""

    def find(self, peer: str | None, forwarded_for: Sequence[bytes]) -> Client:
        """The client; ``peer`` is the connection's address, ``forwarded_for`` the lines of the header."""
        if not self._trusted:
            return self._find_cached(peer)
        if len(forwarded_for) == 1 and len(forwarded_for[0]) <= _MAX_CACHED_CHAIN:
            return self._find_cached(peer, forwarded_for[0])
        return self._find(peer, *forwarded_for)

    def _trusts(self, peer: str | None) -> bool:
        address = parse_address(peer) if peer else None
        return address is not None and within(address, self._trusted)

    def _find(self, peer: str | None, *forwarded_for: bytes) -> Client:
        return client_at(client_address(peer, [line.decode("latin-1") for line in forwarded_for], self._trusted))


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
