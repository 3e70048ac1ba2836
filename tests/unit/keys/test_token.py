"""The text of a key: promise 3 (only a hash is kept) and 4 (malformed text costs no lookup)."""

import re
import string

from hypothesis import given
from hypothesis import strategies as st

from ari.keys import token

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def test_a_minted_token_has_the_documented_shape() -> None:
    """55 characters, prefix, base62 throughout: one double-click selects it."""
    minted = token.mint()
    assert len(minted) == 55 == token.LENGTH
    assert re.fullmatch(r"ari_k_[0-9A-Za-z]{49}", minted)


def test_minted_tokens_differ_in_every_character_position() -> None:
    """All 256 bits are random: over many tokens every position of the secret varies."""
    minted = [token.mint() for _ in range(200)]
    assert len(set(minted)) == 200
    for position in range(len(token.PREFIX), token.LENGTH - token.CHECKSUM_LENGTH):
        assert len({text[position] for text in minted}) > 20


def test_a_minted_token_parses_to_its_digest() -> None:
    """A token is found again by its digest alone."""
    minted = token.mint()
    assert token.parse(minted.encode()) == token.digest(minted.encode())


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_raise(text: bytes) -> None:
    """The parser's only refusal is None."""
    assert token.parse(text) is None or token.is_token(text)


@given(st.text(alphabet=BASE62, min_size=49, max_size=49))
def test_the_right_shape_without_the_right_checksum_is_refused(body: str) -> None:
    """A typo is refused without a lookup."""
    text = f"ari_k_{body}"
    expected = token.checksum(text[:-6].encode()) == text[-6:]
    assert (token.parse(text.encode()) is not None) == expected


@given(st.integers(0, token.LENGTH - 1), st.sampled_from(BASE62))
def test_any_single_changed_character_is_refused(position: int, letter: str) -> None:
    """CRC-32 catches every single-character error."""
    minted = token.mint()
    changed = minted[:position] + letter + minted[position + 1 :]
    assert (token.parse(changed.encode()) is None) == (changed != minted)


def test_the_hint_shows_four_characters_at_each_end_and_no_more() -> None:
    """At least 208 secret bits stay hidden."""
    minted = token.mint()
    assert token.hint(minted) == f"ari_k_{minted[6:10]}…{minted[-4:]}"


def test_a_key_of_another_kind_differs_in_its_prefix_only() -> None:
    """It has the same 49 characters after it, the same hint and the same way to its digest."""
    minted = token.mint("acme_live_")
    assert re.fullmatch(r"acme_live_[0-9A-Za-z]{49}", minted)
    assert token.parse(minted.encode()) == token.digest(minted.encode())
    assert token.hint(minted) == f"acme_live_{minted[10:14]}…{minted[-4:]}"


def test_the_checksum_is_crc32_of_all_before() -> None:
    """Scanners can recognise a key offline: a fixed vector pins the algorithm."""
    assert token.checksum(b"123456789") == "3jZRME"  # CRC-32 0xCBF43926 in base62
