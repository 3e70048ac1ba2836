import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.keys import token
from ari.usage.cleaning import (
    PATH_LENGTH,
    REQUEST_ID_LENGTH,
    USER_AGENT_LENGTH,
    address_forms,
    attempt_address,
    clean,
    clean_completion,
    clean_row,
    reduce_address,
)
from ari.usage.model import Completion
from tests.support.usage import make_row

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"


@given(ANY_TEXT | st.binary(max_size=300), st.integers(1, 64))
def test_whatever_comes_out_fits_the_log(text: str | bytes, limit: int) -> None:
    """Bounded, storable by both databases, on one line, in one direction."""
    kept = clean(text, limit)
    assert len(kept) <= limit
    kept.encode()
    for letter in kept:
        assert letter >= " "
        assert not "\x7f" <= letter <= "\x9f"
        assert letter not in "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"


@given(ANY_TEXT)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    """The log is not worn down by being cleaned on several ways."""
    assert clean(clean(text, 100), 100) == clean(text, 100)


@pytest.mark.parametrize(
    "text", ["/api/me", CHROME, "curl/7.88.1", "/api/keys/key_01JD7WZ2M3N4P5Q6R7S8T9VWXY", "Ünï — 日本 🐦", "100%", ""]
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    """Paths, ids, user agents, any script."""
    assert clean(text, 1_000) == text


def test_unfit_characters_become_the_replacement_character() -> None:
    """One each, so that the damage is seen."""
    assert (
        clean("a\x00b\r\nc\x1b[31md\x85e\ud800f\u202eg", 99) == "a\ufffdb\ufffd\ufffdc\ufffd[31md\ufffde\ufffdf\ufffdg"
    )


def test_bytes_are_read_as_latin_1() -> None:
    """A header may hold any byte and never fails."""
    assert clean(b"caf\xe9 \xff\x00\x9f", 99) == "café ÿ\ufffd\ufffd"


@given(st.integers(0, 200), st.text("abc/", max_size=30), st.sampled_from(["str", "bytes"]))
def test_a_key_leaves_at_most_its_first_ten_characters(padding: int, before: str, kind: str) -> None:
    """Wherever it is, also where the length ends in it."""
    secret = token.mint()
    text = before + "/" * padding + secret
    kept = clean(text if kind == "str" else text.encode(), 100)
    assert secret[:11] not in kept


def test_every_text_of_the_caller_is_cleaned_and_nothing_else() -> None:
    """The rest of a row is ours."""
    secret = token.mint()
    row = make_row(
        path=f"/x/{secret}/" + "y" * 5_000,
        user_agent=f"\x07{secret}" + " u" * 5_000,
        method="M" * 400,
        request_id="r\n" * 400,
        client_address="192.0.2.7",
    )
    given_hint = row.key_hint
    clean_row(row, "full")
    assert len(row.path) == PATH_LENGTH
    assert row.path.startswith(f"/x/{secret[:10]}…/yyy")
    assert row.user_agent is not None
    assert row.user_agent.startswith(f"\ufffd{secret[:10]}…")
    assert len(row.user_agent) <= USER_AGENT_LENGTH
    assert row.method == "M" * 16
    assert row.request_id == "r\ufffd" * (REQUEST_ID_LENGTH // 2)
    assert (row.client_address, row.key_hint) == ("192.0.2.7", given_hint)


def test_unknown_texts_stay_unknown() -> None:
    """No user agent and no address are no faults."""
    row = make_row(user_agent=None, client_address=None)
    clean_row(row, "network")
    assert (row.user_agent, row.client_address) == (None, None)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("a socket", None),
    ],
)
def test_addresses_are_kept_whole_by_network_or_not_at_all(address: str, network: str | None) -> None:
    """As the setting says; what is no address is not kept as one."""
    assert reduce_address(address, "full") == address
    assert reduce_address(address, "network") == network
    assert reduce_address(address, "none") is None


@pytest.mark.parametrize(
    ("address", "full", "network"),
    [
        ("192.0.2.77", "192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:db8:1:2::/64", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.77", "192.0.2.0/24"),
        ("a\nsocket", "a\ufffdsocket", "other"),
        (None, "unknown", "unknown"),
    ],
)
def test_attempts_are_counted_by_address_or_ipv6_subnet(address: str | None, full: str, network: str) -> None:
    """The holder of a /64 has all its addresses; the setting holds here too."""
    assert attempt_address(address, "full") == full
    assert attempt_address(address, "network") == network
    assert attempt_address(address, "none") in ("other", "unknown")


@given(st.ip_addresses())
def test_an_address_is_found_again_under_its_forms(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """To be erased: as it was logged and as its attempts were counted, however it is written."""
    written = address.exploded.upper()
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    assert {str(mapped or address), attempt_address(str(address), "full")} <= set(address_forms(written))


def test_a_network_is_no_address_to_erase() -> None:
    """Only what was logged as this very text is meant."""
    assert address_forms("192.0.2.0/24") == ("192.0.2.0/24",)


@pytest.mark.parametrize("status", [-5, 65_536, 70_000, 2**40])
def test_a_status_that_no_response_has_is_unknown(status: int) -> None:
    """A service may send any number; a database could refuse it or store another."""
    row = make_row(status=status)
    clean_row(row, "full")
    assert row.status is None
    assert clean_completion(Completion(row.id, status, 1.0, 1)) is None


@given(st.floats() | st.none(), st.integers() | st.none(), st.integers())
def test_numbers_fit_every_database(duration_ms: float | None, size: int | None, count: int) -> None:
    """NaN, infinity, negative times, and what overflows a column."""
    row = make_row(duration_ms=duration_ms, bytes=size, count=count)
    clean_row(row, "full")
    assert row.duration_ms is None or 0 <= row.duration_ms < 2**50
    assert row.bytes is None or 0 <= row.bytes < 2**63
    assert 1 <= row.count < 2**31
    done = clean_completion(Completion(row.id, 200, duration_ms or 0.0, size))
    assert done is not None
    assert 0 <= done.duration_ms < 2**50
    assert done.bytes == row.bytes
