"""Backup codes are hard to guess and easy to type."""

import pytest

from ari.accounts.backup_codes import COUNT, digest_of, new_codes


def test_ten_different_codes() -> None:
    """80 random bits each, in groups of four."""
    codes = new_codes()
    assert len(set(codes)) == COUNT == 10
    assert all(len(code) == 19 and code.count("-") == 3 for code in codes)
    assert not set("".join(codes)) & set("ilou")


@pytest.mark.parametrize(
    "typed", ["7KQ2-M0XT-9F4C-HB3W", "7kq2m0xt9f4chb3w", " 7kq2 mOxt 9f4c hb3w ", "7kq2–m0xt–9f4c–hb3w"]
)
def test_usual_spellings_are_one_code(typed: str) -> None:
    """Capitals, spaces, dashes, and letters read as digits."""
    assert digest_of("usr_1", typed) == digest_of("usr_1", "7kq2-m0xt-9f4c-hb3w")


@pytest.mark.parametrize("typed", ["", "7kq2", "7kq2-m0xt-9f4c-hb3w-x", "7kq2-m0xt-9f4c-hb3u", "x" * 10_000])
def test_what_cannot_be_a_code_has_no_digest(typed: str) -> None:
    """It is refused before the database is read."""
    assert digest_of("usr_1", typed) is None


def test_a_digest_belongs_to_one_account() -> None:
    """A code of another account does not work, and equal codes are not visible in the database."""
    code = new_codes()[0]
    assert digest_of("usr_1", code) != digest_of("usr_2", code)
