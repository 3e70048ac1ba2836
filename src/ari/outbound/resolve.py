"""From a host to the one address that a call connects to, if it may (security.md 38)."""

import asyncio
import ipaddress
import socket

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_METADATA = tuple(map(ipaddress.ip_address, ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")))


class RefusedAddressError(OSError):
    """The host leads where no call may go."""


async def checked_address(host: str, port: int, *, private: bool) -> str:
    """The first address of the host, all of which were found permitted.

    ``private``: the owner set this host, so it may be on this machine or its networks; nothing else may. Raises
    ``OSError`` for a host without addresses, ``RefusedAddressError`` where one of them is not permitted.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    addresses = [str(one[4][0]) for one in found]
    if not addresses or not all(_permitted(address, private) for address in addresses):
        raise RefusedAddressError(f"{host} is not an address that calls may go to")
    return addresses[0]


def _permitted(text: str, private: bool) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if carried is None and address in _NAT64:
            carried = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        address = carried or address
    never = address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA
    return not never and (address.is_global or (private and (address.is_private or address.is_loopback)))
