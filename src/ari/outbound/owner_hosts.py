"""The addresses of hosts that the owner names in settings."""

import socket
from collections.abc import Sequence

from ari.base.addresses import is_permitted


def find_addresses(host: str, port: int) -> Sequence[str]:
    """The addresses to connect to, in this order; the owner set the host, so it may be on this machine or its networks.

    Raises ``OSError``, also where one of the host's addresses is one that no call may go to (security.md 38).
    """
    found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not all(is_permitted(address, private=True) for address in found):
        raise PermissionError(f"{host} resolves to an IP address that ARI doesn't connect to")
    return found
