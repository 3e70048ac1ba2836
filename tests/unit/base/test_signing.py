"""Signatures by the master key: only the same key and the same words fit, and others are known by their fingerprint."""

import hashlib
import hmac
import secrets
from pathlib import Path

import pytest

from ari.base.audit import Cut, Head, Mark
from ari.base.master_key import MasterKeys, hkdf, keys_of
from ari.base.signing import Signature, fingerprint_of, present_keys, public_of, sign

KEY, OTHER = keys_of(f"{bytes(range(32)).hex()},{bytes(range(100, 132)).hex()}", "x")
HEAD = Head("ins_01KB5Q2W8Z6N4T0V9YRJXH3M7C", 3, "evt_1", "a" * 64, 5)


def test_what_was_derived_before_is_derived_now() -> None:
    """The HKDF of ``cryptography`` gives what ours gave, so that nothing encrypted so far is lost."""
    for _ in range(50):
        secret, info, salt = secrets.token_bytes(32), secrets.token_bytes(9), secrets.token_bytes(5)
        for one in (salt, b""):
            extracted = hmac.digest(one or bytes(32), secret, "sha256")
            assert hkdf(secret, info, one) == hmac.digest(extracted, info + b"\x01", "sha256")
    assert KEY.id.hex() == "e1df35525068bf3b"
    assert KEY.derive_key("ari wrap 2").hex()[:32] == "0d7a7cc1e058985fe30355d6c76b1dc9"


def test_a_signature_fits_its_words_and_key_alone() -> None:
    """Deterministic, and named by the public key."""
    signature = sign(KEY, b"words")
    assert signature == sign(KEY, b"words")
    assert signature.fits(b"words")
    assert not signature.fits(b"other words")
    assert (signature.trust(b"words", [OTHER, KEY]), signature.trust(b"words", [OTHER])) == ("ours", "foreign")
    assert signature.trust(b"other", [KEY]) == "wrong"
    assert signature.trust(b"words", []) == "foreign"
    assert not Signature(public_of(OTHER), signature.value).fits(b"words")
    assert fingerprint_of(KEY) == hashlib.sha256(public_of(KEY)).hexdigest()[:16] != fingerprint_of(OTHER)
    assert KEY.secret.hex() not in repr(signature)


@pytest.mark.parametrize("public", [b"", b"x" * 31, bytes(32), b"\xff" * 32])
@pytest.mark.parametrize("value", [b"", bytes(64), b"\xff" * 64])
def test_nonsense_fits_nothing(public: bytes, value: bytes) -> None:
    """A database or a file may hold anything."""
    assert not Signature(public, value).fits(b"words")


def test_a_statement_is_of_one_kind() -> None:
    """A head cannot pass for a cut, nor text of another shape for either."""
    mark = Mark.of(KEY, HEAD)
    assert mark.trust([KEY]) == "ours"
    assert Head.parse(mark.text) == HEAD
    assert Cut.parse(mark.text) is None
    for text in (
        "",
        "[]",
        "null",
        "{}",
        '{"statement": "ari audit head 1"}',
        '{"statement": "ari audit head 1", "x": 1}',
    ):
        assert Head.parse(text) is None


def test_keys_that_cannot_be_read_are_no_fault(tmp_path: Path) -> None:
    """A change must go on; what it writes is then not signed."""
    assert present_keys(MasterKeys(tmp_path, named=tmp_path / "gone")) == []
