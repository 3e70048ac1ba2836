"""What is checked before anybody is asked who they are: address, host, shape of the head."""

import ipaddress
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from ari.base.settings import LOOPBACK_NAMES, Settings
from ari.http.client_address import Address, client_address, within
from ari.http.problem import Fault
from ari.http.request_head import MAX_HEAD_BYTES, RequestHead, head_fault, host_fault, query_fault
from ari.keys.reasons import IP_NOT_ALLOWED

_PROBES = ("/api/health", "/api/ready")
_REMEMBERED, _MOST_REMEMBERED_BYTES = 1_024, 1_024


class Client(NamedTuple):
    """Where a request comes from, as an address and as the text of it."""

    address: Address | None
    text: str | None


class EdgeChecks:
    """The instance's own rules about addresses and hosts."""

    def __init__(self, settings: Settings) -> None:
        self._allowed = settings.allowed_ips
        self._trusted = settings.trusted_proxies
        own = urlsplit(settings.base_url).netloc.rpartition("@")[2]
        own_name = own.rpartition(":")[0] if own.rpartition(":")[2].isdigit() else own
        self._hosts = frozenset((own_name, *LOOPBACK_NAMES, *settings.allowed_hosts))
        self._base_url = settings.base_url
        self._sound: set[tuple[bytes, bytes | None]] = set()
        """Paths and hosts found sound together; remembered, since the same are asked for all the time."""

    def client_of(self, peer: str | None, incoming: RequestHead) -> Client:
        """The client's address."""
        if not self._trusted:
            return _direct(peer)
        lines = [line.decode("latin-1") for line in incoming.lines(b"x-forwarded-for")]
        return _client(client_address(peer, lines, self._trusted))

    def fault(self, incoming: RequestHead, address: Address | None) -> Fault | None:
        """The first thing that bars the request; health probes come from anywhere."""
        if incoming.path in _PROBES:
            return head_fault(incoming)
        if self._allowed and (address is None or not within(address, self._allowed)):
            return Fault(IP_NOT_ALLOWED)
        if incoming.query and (fault := query_fault(incoming)) is not None:
            return fault
        asked = incoming.raw_path, incoming.headers.get(b"host")
        if asked in self._sound and incoming.repeated is None and incoming.size <= MAX_HEAD_BYTES:
            return None
        fault = head_fault(incoming) or host_fault(incoming, self._hosts, self._base_url)
        if fault is None and incoming.size <= _MOST_REMEMBERED_BYTES:
            if len(self._sound) >= _REMEMBERED:
                self._sound.clear()
            self._sound.add(asked)
        return fault


@lru_cache(4_096)
def _direct(peer: str | None) -> Client:
    """Remembered: a client makes many requests."""
    return _client(client_address(peer, (), ()))


def _client(address: Address | None) -> Client:
    return Client(address, None if address is None else str(address))


def bucket_of(address: Address | None) -> str | None:
    """The address that counters use: IPv6 by its /64, since a subscriber has all of it."""
    if address is None:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
