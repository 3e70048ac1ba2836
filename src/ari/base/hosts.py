"""Convert international host names to and from the ASCII form that DNS, TLS and HTTP use."""

import ipaddress


def ascii_host(host: str) -> str:
    """The host in lower-case ASCII: ``bücher.example`` becomes ``xn--bcher-kva.example`` (RFC 5891, UTS #46).

    An IPv6 address is returned in its shortest form, without brackets. Raises ``ValueError`` for an invalid host.
    """
    if ":" in host:
        return str(ipaddress.IPv6Address(host))
    if host.isascii():
        return host.lower()
    import idna  # noqa: PLC0415 - only for names that need it

    return idna.encode(host, uts46=True).decode("ascii")


def readable_host(host: str) -> str:
    """The host in its own script: the reverse of ``ascii_host``. Raises ``ValueError``."""
    if "xn--" not in host:
        return host
    import idna  # noqa: PLC0415 - as above

    return idna.decode(host)


def ascii_address(address: str) -> str:
    """The email address with its host in ASCII; the part before the @ is unchanged. Raises ``ValueError``."""
    name, at, host = address.rpartition("@")
    return name + at + ascii_host(host)


def is_loopback(host: str) -> bool:
    """Whether a host is ``localhost`` or a loopback address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
