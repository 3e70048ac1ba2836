"""The signature at the end of a backup: over every byte before it, and invisible to other tools."""

import gzip
import io
from pathlib import Path

import pytest

from ari.base.errors import Invalid
from ari.base.master_key import MasterKeys, keys_of
from ari.storage.backup.signature import SignedFile, SigningFile, require_ours

FIRST = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
OTHER = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
INSTANCE = "ins_" + "0A" * 13
CONTENT = gzip.compress(b"a backup" * 100, mtime=0)


def _sign(key: str = FIRST) -> bytes:
    file = io.BytesIO()
    signing = SigningFile(file)
    signing.write(CONTENT[:10])
    signing.write(CONTENT[10:])
    signing.sign(keys_of(key, "a test")[0], INSTANCE)
    return file.getvalue()


def _keys(tmp_path: Path, *keys: str) -> MasterKeys:
    return MasterKeys(tmp_path, " ".join(keys) or None)


def test_the_content_comes_back_without_the_signature() -> None:
    """Once more after it was rewound, and however much is read at a time."""
    file = SignedFile(io.BytesIO(_sign()))
    assert file.read(3) == CONTENT[:3]
    file.seek(0)
    assert file.read() == CONTENT
    assert file.signer is not None
    assert file.signer.instance == INSTANCE


def test_other_tools_read_past_it() -> None:
    """A backup stays a file that gzip takes."""
    assert gzip.decompress(_sign()) == gzip.decompress(CONTENT)


@pytest.mark.parametrize("place", [0, 1, len(CONTENT) - 1, len(CONTENT) + 30, len(CONTENT) + 60, len(_sign()) - 30])
def test_any_changed_byte_is_noticed(place: int) -> None:
    """In the content, the instance's id, the public key or the signature itself."""
    body = bytearray(_sign())
    body[place] ^= 1
    trust = SignedFile(io.BytesIO(bytes(body))).is_signed_by(keys_of(FIRST, "a test"))
    assert trust != "ours"


@pytest.mark.parametrize("body", [b"", b"x", CONTENT, _sign()[:-1], _sign() + b"x"])
def test_a_file_that_ends_otherwise_has_no_signature(body: bytes) -> None:
    """So it is read as a whole, and not trusted."""
    file = SignedFile(io.BytesIO(body))
    assert file.signer is None
    assert file.is_signed_by(keys_of(FIRST, "a test")) is None
    file.seek(0)
    assert file.read() == body


@pytest.mark.parametrize(
    ("body", "keys", "why"),
    [
        (CONTENT, [FIRST], "it has no signature"),
        (b"x" + _sign()[1:], [FIRST], f"damaged after {INSTANCE} signed it"),
        (_sign(OTHER), [FIRST], "a different instance or master key signed it"),
        (_sign(OTHER), [], "there is no master key in"),
    ],
)
def test_a_refusal_says_what_is_wrong(tmp_path: Path, body: bytes, keys: list[str], why: str) -> None:
    """And how to restore the file nevertheless."""
    with pytest.raises(Invalid, match="--untrusted") as refused:
        require_ours(SignedFile(io.BytesIO(body)), _keys(tmp_path, *keys))
    assert why in str(refused.value)


@pytest.mark.parametrize("keys", [[FIRST], [OTHER, FIRST]])
def test_a_master_key_that_is_here_is_enough(tmp_path: Path, keys: list[str]) -> None:
    """An older one too: backups outlive a rotation."""
    file = SignedFile(io.BytesIO(_sign()))
    require_ours(file, _keys(tmp_path, *keys))
    assert file.signer is not None
    assert file.signer.instance == INSTANCE


def test_it_is_read_in_order_only() -> None:
    """Skipped bytes would be left out of what is checked."""
    file = SignedFile(io.BytesIO(_sign()))
    with pytest.raises(io.UnsupportedOperation):
        file.seek(5)
