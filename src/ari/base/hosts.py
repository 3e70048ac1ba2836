"""Host names of other scripts in the form that DNS, TLS and HTTP use."""

import ipaddress


def ascii_host(host: str) -> str:
    """The host in lower case and ASCII: ``bücher.example`` is ``xn--bcher-kva.example`` (RFC 5891, UTS #46).

    An IPv6 address comes in its shortest form, without brackets. Raises ``ValueError`` for what cannot be a host.
    """
    if ":" in host:
        return str(ipaddress.IPv6Address(host))
    if host.isascii():
        return host.lower()
    import idna  # noqa: PLC0415 - only for names that need it

    return idna.encode(host, uts46=True).decode("ascii")


def readable_host(host: str) -> str:
    """The host in its own script: the reverse of ``ascii_host``. Raises ``ValueError`` for what is no such form."""
    if "xn--" not in host:
        return host
    import idna  # noqa: PLC0415 - as above

    return idna.decode(host)


def ascii_address(address: str) -> str:
    """The mail address with its host in ASCII; what stands before the @ stays. Raises ``ValueError``."""
    name, at, host = address.rpartition("@")
    return name + at + ascii_host(host)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: ``localhost`` or an address of loopback."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
