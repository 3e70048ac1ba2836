"""The addresses a key works from (promise 1: what a policy forbids is refused)."""

import pytest

from ari.base.errors import Invalid
from ari.keys.policy import (
    MAX_ADDRESSES,
    NO_POLICY,
    Policy,
    allows_address,
    covers_addresses,
    decode_policy,
    encode_policy,
    parse_addresses,
)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        (" 203.0.113.0/24 ", "203.0.113.0/24"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::ffff:203.0.113.7", "203.0.113.7/32"),
        ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
    ],
)
def test_addresses_have_one_form(sent: str, kept: str) -> None:
    """The same network is stored and compared as one text."""
    assert parse_addresses((sent, sent)) == (kept,)


@pytest.mark.parametrize(
    "sent", ["", "example.org", "203.0.113.7/24", "1.2.3.4/33", "fe80::1%eth0", "1.2.3.4\n5", "٣.1.1.1"]
)
def test_what_is_no_address_is_refused(sent: str) -> None:
    """Bad input gets an error at its field, never a key that works from nowhere or everywhere."""
    with pytest.raises(Invalid) as raised:
        parse_addresses((sent,))
    assert raised.value.problems[0].location == "addresses"


def test_addresses_have_a_bound() -> None:
    """A key cannot make each verification slow."""
    many = tuple(f"10.0.{n}.0/24" for n in range(MAX_ADDRESSES + 1))
    assert len(parse_addresses(many[:-1])) == MAX_ADDRESSES
    with pytest.raises(Invalid, match=str(MAX_ADDRESSES)):
        parse_addresses(many)


@pytest.mark.parametrize(
    ("addresses", "client", "allowed"),
    [
        ((), None, True),
        (("203.0.113.0/24",), "203.0.113.255", True),
        (("203.0.113.0/24",), "::ffff:203.0.113.255", True),
        (("203.0.113.0/24",), "203.0.114.0", False),
        (("203.0.113.0/24",), "2001:db8::1", False),
        (("203.0.113.0/24", "2001:db8::/32"), "2001:db8::1", True),
        (("203.0.113.0/24",), None, False),
        (("0.0.0.0/0", "::/0"), "unix", False),
    ],
)
def test_who_may_use_a_key(addresses: tuple[str, ...], client: str | None, *, allowed: bool) -> None:
    """An address that is not known is not allowed: ARI cannot decide in its favor."""
    assert allows_address(addresses, client) is allowed


@pytest.mark.parametrize(
    ("outer", "inner", "covered"),
    [
        ((), (), True),
        ((), ("1.2.3.4/32",), True),
        (("10.0.0.0/8",), (), False),
        (("10.0.0.0/8",), ("10.1.0.0/16", "10.2.3.4/32"), True),
        (("10.0.0.0/8",), ("10.1.0.0/16", "11.0.0.0/8"), False),
        (("10.0.0.0/8",), ("2001:db8::/32",), False),
    ],
)
def test_a_caller_may_only_give_what_it_may_use(
    outer: tuple[str, ...], inner: tuple[str, ...], *, covered: bool
) -> None:
    """A key bound to a network cannot create one that works elsewhere."""
    assert covers_addresses(outer, inner) is covered


def test_a_policy_survives_storage() -> None:
    """A stored policy reads back the same."""
    policy = Policy(("203.0.113.0/24",))
    assert decode_policy(encode_policy(policy)) == policy
    assert encode_policy(NO_POLICY) is None
    assert decode_policy(None) is NO_POLICY
