"""Keys of every kind are recognized by shape and checksum, alone and in text."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.base.token_shape import find_tokens, is_prefix, is_token
from ari.keys import token

PREFIXES = st.from_regex(r"[a-z][a-z0-9_]{0,18}_", fullmatch=True)


@given(PREFIXES)
def test_a_key_of_any_kind_is_recognized(prefix: str) -> None:
    """No table is asked: a new kind works at once on every node."""
    assert is_prefix(prefix)
    assert is_token(token.mint(prefix).encode())


@pytest.mark.parametrize("prefix", ["", "_", "a", "acme", "Acme_", "1a_", "ac-me_", "ä_", "a_\n", "a" * 20 + "_"])
def test_what_is_no_prefix_makes_no_key(prefix: str) -> None:
    """2–20 characters, a lowercase letter first, ``_`` last."""
    assert not is_prefix(prefix)
    assert not is_token(token.mint(prefix).encode())


@given(PREFIXES, st.integers(0, 68), st.sampled_from(string.ascii_letters + string.digits + "_"))
def test_any_single_changed_character_is_refused(prefix: str, position: int, letter: str) -> None:
    """The checksum covers the prefix too: a key of one kind can't be turned into one of another."""
    minted = token.mint(prefix)
    changed = minted[: position % len(minted)] + letter + minted[position % len(minted) + 1 :]
    assert is_token(changed.encode()) == (changed == minted)


@given(st.binary(max_size=80), PREFIXES, st.binary(max_size=80))
def test_a_key_is_found_wherever_it_is(before: bytes, prefix: str, after: bytes) -> None:
    """Whatever surrounds it, even letters that could belong to its prefix."""
    minted = token.mint(prefix).encode()
    assert (len(before), minted) in list(find_tokens(before + minted + after))


def test_several_keys_in_one_text_are_all_found() -> None:
    """Next to each other, and twice."""
    first, second = token.mint().encode(), token.mint("acme_live_").encode()
    text = first + second + b"," + first
    assert [found for _, found in find_tokens(text)] == [first, second, first]


def test_the_shape_with_a_wrong_checksum_is_not_found() -> None:
    """A digest after an underscore is no key."""
    assert list(find_tokens(b"sha256_" + b"9f86d081884c7d659a2feaa0c55ad015" * 2)) == []
