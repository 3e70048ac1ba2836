"""Which addresses a call may reach: the tables of security.md 38, and what is wrapped in other addresses."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.base.addresses import AddressList, Reach, is_number, is_permitted, reach, unwrap

GLOBAL = ("1.1.1.1", "93.184.216.34", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1")
PRIVATE = ("127.0.0.1", "127.8.9.9", "10.0.0.1", "172.16.5.5", "192.168.1.1", "100.64.0.1", "::1", "fd12::1")
NEVER = (
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd20:ce::254",
    "0.0.0.0",
    "::",
    "255.255.255.255",
    "224.0.0.1",
    "240.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.9",
    "2001:db8::1",
    "2001::1",
    "3fff::1",
    "ff02::1",
    "64:ff9b:1::a00:1",
    "100::1",
    "fec0::1",
    "::127.0.0.1",
    "localhost",
    "127.1",
    "2130706433",
    "",
)


@pytest.mark.parametrize("text", GLOBAL)
def test_the_open_internet_is_reached(text: str) -> None:
    """Providers live there."""
    assert reach(text) is Reach.GLOBAL
    assert is_permitted(text, private=False)
    assert is_permitted(text, private=True)


@pytest.mark.parametrize("text", PRIVATE)
def test_our_own_networks_need_the_owners_word(text: str) -> None:
    """Only a base URL that the owner set leads to this machine or its networks."""
    assert reach(text) is Reach.PRIVATE
    assert not is_permitted(text, private=False)
    assert is_permitted(text, private=True)


@pytest.mark.parametrize("text", NEVER)
def test_some_addresses_are_never_reached(text: str) -> None:
    """Metadata services, link-local addresses and what is no host's address: not even if the owner says so."""
    assert reach(text) is Reach.NEVER
    assert not is_permitted(text, private=True)


@pytest.mark.parametrize("inner", ["1.1.1.1", "127.0.0.1", "10.1.2.3", "169.254.169.254", "100.100.100.200"])
def test_wrapped_addresses_count_as_what_they_carry(inner: str) -> None:
    """Mapped, NAT64 and 6to4 forms hide nothing."""
    number = int(ipaddress.IPv4Address(inner))
    mapped = ipaddress.IPv6Address(0xFFFF << 32 | number)
    nat64 = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | number)
    six_to_four = ipaddress.IPv6Address(0x2002 << 112 | number << 80 | 1)
    for outer in (mapped, nat64, six_to_four):
        assert str(unwrap(outer)) == inner
        assert reach(str(outer)) is reach(inner)


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_called_global(address: ipaddress.IPv4Address) -> None:
    """Our tables are at least as strict as the standard library's, whatever its version."""
    if reach(str(address)) is Reach.GLOBAL:
        plain = unwrap(address)
        names = ("private", "link_local", "loopback", "multicast", "unspecified")
        assert not any(getattr(plain, f"is_{name}") for name in names)


@given(st.ip_addresses())
def test_no_address_is_reached_more_easily_without_the_owners_word(address: ipaddress.IPv4Address) -> None:
    """``private`` only ever adds."""
    if is_permitted(str(address), private=False):
        assert is_permitted(str(address), private=True)


@pytest.mark.parametrize(
    ("text", "allowed", "refused"),
    [
        ("10.0.0.0/8", ["http://10.1.2.3", "https://10.255.255.255:9/v1"], ["http://11.0.0.1", "http://ten.example"]),
        ("10.0.0.1", ["http://10.0.0.1:80", "http://[::ffff:10.0.0.1]"], ["http://10.0.0.2"]),
        ("10.0.0.7/8", ["http://10.9.9.9"], []),
        ("10.0.0.1:80", ["http://10.0.0.1"], ["https://10.0.0.1", "http://10.0.0.1:81"]),
        ("10.0.0.0/8:443", ["https://10.2.3.4"], ["http://10.2.3.4"]),
        ("[fd00::1]:8080", ["http://[fd00::1]:8080"], ["http://[fd00::1]", "http://[fd00::2]:8080"]),
        ("fd00::/8", ["http://[fdab::1]:5"], ["http://[fe00::1]"]),
        (" Ollama_Server:11434 ", ["http://ollama_server:11434"], ["http://ollama_server", "http://ollama:11434"]),
        ("nas.lan", ["http://nas.lan:1", "https://nas.lan"], ["http://x.nas.lan", "http://nas.lan.evil.example"]),
    ],
)
def test_a_list_of_addresses(text: str, allowed: list[str], refused: list[str]) -> None:
    """An entry is an address, a network or a name, with or without a port."""
    listed = AddressList.of([text])
    assert [url for url in allowed if not listed.allows(url)] == []
    assert [url for url in refused if listed.allows(url)] == []
    assert not AddressList().allows(allowed[0])


NO_ADDRESS = """
|http://ollama|ollama:0|ollama:65536|ollama:x|a b|*|*.lan|10.0.0.0/33|2130706433|0x7f.1|-x|a..b|[ollama|user@nas
|169.254.169.254|[fe80::1]:80|0.0.0.0|100.100.100.200
"""


@pytest.mark.parametrize("text", [one.strip() for one in NO_ADDRESS.split("|")])
def test_what_is_no_address_is_not_listed(text: str) -> None:
    """A mistake stops the start instead of allowing less, or more, than was meant."""
    with pytest.raises(ValueError, match="such as"):
        AddressList.of([text])


@pytest.mark.parametrize("host", ["1", "127.1", "0x7f.1", "0x", "a.0", "2852039166", "0251.0376.0251.0376", "x.0xff"])
def test_numbers_are_no_names(host: str) -> None:
    """Resolvers read them as addresses."""
    assert is_number(host)
    assert not is_number(f"{host}a.example")
