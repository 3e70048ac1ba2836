"""Host names in ASCII, and back."""

import pytest

from ari.base.hosts import ascii_address, ascii_host, is_loopback, readable_host


@pytest.mark.parametrize(
    ("host", "ascii_form"),
    [
        ("Example.NET", "example.net"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("ollama_server", "ollama_server"),
        ("FD00:0:0::1", "fd00::1"),
        ("192.0.2.7", "192.0.2.7"),
    ],
)
def test_hosts_as_dns_knows_them(host: str, ascii_form: str) -> None:
    """Names, addresses, and names of containers."""
    assert ascii_host(host) == ascii_form
    assert ascii_address(f"a@b@{host}") == f"a@b@{ascii_form}"


@pytest.mark.parametrize("host", ["-ü-", "ü" * 70, "ü..x", "::g", "a:b", "\udcfc"])
def test_what_cannot_be_a_host(host: str) -> None:
    """Always a ``ValueError``."""
    with pytest.raises(ValueError):  # noqa: PT011 - of whichever library
        ascii_host(host)


def test_hosts_as_people_read_them() -> None:
    """The reverse, where there is one."""
    assert readable_host("xn--bcher-kva.example") == "bücher.example"
    assert readable_host("example.net") == "example.net"
    assert [is_loopback(one) for one in ("localhost", "127.9.9.9", "::1", "192.0.2.7", "nas.lan")] == [True] * 3 + [
        False
    ] * 2
