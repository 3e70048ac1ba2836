"""What is checked before anybody is asked who they are: address, host, shape of the head."""

import ipaddress
from urllib.parse import urlsplit

from ari.base.settings import LOOPBACK_NAMES, Settings
from ari.http.client_address import Address, client_address, within
from ari.http.incoming import Incoming, head_fault, host_fault
from ari.http.problem import Fault
from ari.keys.reasons import IP_NOT_ALLOWED

_PROBES = ("/api/health", "/api/ready")


class Gate:
    """The instance's own rules about addresses and hosts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        own = urlsplit(settings.base_url).netloc.rpartition("@")[2]
        own_name = own.rpartition(":")[0] if own.rpartition(":")[2].isdigit() else own
        self._hosts = frozenset((own_name, *LOOPBACK_NAMES, *settings.allowed_hosts))

    def address_of(self, peer: str | None, incoming: Incoming) -> Address | None:
        """The client's address."""
        lines = [line.decode("latin-1") for line in incoming.headers.get(b"x-forwarded-for", ())]
        return client_address(peer, lines, self._settings.trusted_proxies)

    def fault(self, incoming: Incoming, address: Address | None) -> Fault | None:
        """The first thing that bars the request; health probes come from anywhere."""
        if incoming.path in _PROBES:
            return head_fault(incoming)
        allowed = self._settings.allowed_ips
        if allowed and (address is None or not within(address, allowed)):
            return Fault(IP_NOT_ALLOWED)
        return head_fault(incoming) or host_fault(incoming, self._hosts)


def bucket_of(address: Address | None) -> str | None:
    """The address that counters use: IPv6 by its /64, since a subscriber has all of it."""
    if address is None:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
