"""Whose address is believed: never a header that the client itself could have written."""

import ipaddress

import pytest

from ari.http.client_address import ClientFinder, client_address, parse_address

TRUSTED = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1/128"))


@pytest.mark.parametrize(
    ("peer", "lines", "expected"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.7"], "10.0.0.7"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("::1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("::1", ["fe80::1%eth0"], "fe80::1"),
    ],
)
def test_read_from_the_right_while_trusted(peer: str, lines: list[str], expected: str) -> None:
    """The leftmost hop is what the client wrote; peers believe it, we do not."""
    assert str(client_address(peer, lines, TRUSTED)) == expected


def test_clients_differ_by_all_that_was_sent() -> None:
    """Also when asked again, when the header is long, and when it is sent twice."""
    finder, long = ClientFinder(TRUSTED), b", ".join([b"6.6.6.6"] * 60)
    for _ in range(2):
        assert finder.find("10.0.0.1", [b"198.51.100.1"]).text == "198.51.100.1"
        assert finder.find("10.0.0.1", [b"198.51.100.2"]).text == "198.51.100.2"
        assert finder.find("203.0.113.9", [b"198.51.100.1"]).text == "203.0.113.9"
        assert finder.find("10.0.0.1", [b"198.51.100.1", b"198.51.100.3"]).text == "198.51.100.3"
        assert finder.find("10.0.0.1", [long, b"198.51.100.4"]).text == "198.51.100.4"
        assert finder.find("10.0.0.1", [long]).text == "6.6.6.6"
        assert finder.find("10.0.0.1", []).text == "10.0.0.1"
        assert finder.find(None, [b"198.51.100.1"]).text is None
        assert ClientFinder(()).find("10.0.0.1", [b"198.51.100.1"]).text == "10.0.0.1"


def test_only_addresses_of_proxies_are_trusted() -> None:
    """Not another one, none, or a socket's name."""
    finder = ClientFinder(TRUSTED)
    peers = ["10.0.0.1", "::1", "::ffff:10.0.0.1", "11.0.0.1", "unix", "", None]
    assert [finder.trusts(peer) for peer in peers * 2] == [True, True, True, False, False, False, False] * 2
    assert not ClientFinder(()).trusts("10.0.0.1")


def test_without_trusted_proxies_the_peer_counts() -> None:
    """Empty by default."""
    assert str(client_address("10.0.0.1", ["198.51.100.1"], ())) == "10.0.0.1"
    assert client_address(None, ["198.51.100.1"], TRUSTED) is None


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1.2.3.4.5", "[", "[]", "%", "::g", "1.2.3.4:5:6"])
def test_nonsense_is_no_address(text: str) -> None:
    """Nothing raises."""
    assert parse_address(text) is None
