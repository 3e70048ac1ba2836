"""The master key: made once, read when it changed, what is one and what is not."""

from pathlib import Path
from typing import IO

import pytest

from ari.base import file_identity, master_key
from ari.base.errors import ConfigurationError
from ari.base.master_key import MasterKeys, hkdf, keys_of

TEXTS = ["5W-n3kxVdGhZ0bqMZ7ZQv1cXxkR5a9JkqLh0YwT2s8E", "5W+n3kxVdGhZ0bqMZ7ZQv1cXxkR5a9JkqLh0YwT2s8E=\n"]


def test_of_two_that_make_the_key_one_does(tmp_path: Path) -> None:
    """The key of another process is taken, never overwritten."""
    first = MasterKeys(tmp_path).make()
    assert MasterKeys(tmp_path).make() == first


def _settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every file had been left alone for long."""
    monkeypatch.setattr(file_identity, "SETTLED_SECONDS", -1.0)


def test_a_settled_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening costs no read of the file; any change to it is seen at the very next use."""
    keys = MasterKeys(tmp_path)
    reads: list[int] = []
    keys.make()

    def count_read(path: Path) -> IO[bytes]:
        reads.append(1)
        return file_identity.open_regular(path)

    monkeypatch.setattr(master_key, "open_regular", count_read)
    assert [keys.all(), keys.all()] == [keys.all()] * 2
    assert len(reads) > 1, "a file changed just now may change again within the same tick of its clock"
    _settle(monkeypatch)
    first = keys.all()
    del reads[:]
    assert [keys.all() for _ in range(5)] == [first] * 5
    assert not reads
    MasterKeys(tmp_path).put_new_in_front()
    assert keys.all()[1:] == first
    MasterKeys(tmp_path).forget_all_but(set())
    assert keys.all() == MasterKeys(tmp_path).all() != first
    keys.own_file.unlink()
    assert keys.all() == []


def test_a_lost_file_is_not_stood_in_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that read the key before says that it is gone as soon as it is."""
    _settle(monkeypatch)
    keys = MasterKeys(tmp_path)
    key = keys.make()
    assert keys.find(key.id) == key
    keys.own_file.unlink()
    assert keys.find(key.id) is None


def test_a_crash_leaves_no_key_lying_about(tmp_path: Path) -> None:
    """Half-written files of a dead process are gone with the next change."""
    MasterKeys(tmp_path).make()
    left = tmp_path / ".master.key.0123456789abcdef"
    left.write_text("an old key")
    MasterKeys(tmp_path).put_new_in_front()
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]


@pytest.mark.parametrize("text", TEXTS)
def test_base64_of_either_kind(text: str) -> None:
    """With and without padding, for URLs or not: the same key."""
    assert keys_of(text, "x") == keys_of(TEXTS[0], "x")
    assert keys_of(keys_of(text, "x")[0].secret.hex(), "x") == keys_of(TEXTS[0], "x")


@pytest.mark.parametrize(
    "text", ["", " ", "correct horse battery staple correct horse", "a" * 43, "0" * 64, "A" * 42, TEXTS[0] + " x", "ü"]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    """Passphrases, other lengths and what was never random; the sentence says how to make one and repeats nothing."""
    with pytest.raises(ConfigurationError, match="openssl rand -base64 32") as refused:
        keys_of(text, "ARI_MASTER_KEY")
    assert not text.strip() or text not in str(refused.value)


def test_a_named_file(tmp_path: Path) -> None:
    """ARI_MASTER_KEY_FILE must be there and hold a key; none is ever made in its place."""
    named = tmp_path / "secret"
    keys = MasterKeys(tmp_path, named=named)
    with pytest.raises(ConfigurationError, match="no such file"):
        keys.all()
    named.write_text("a passphrase")
    with pytest.raises(ConfigurationError, match="ARI_MASTER_KEY_FILE"):
        keys.all()
    named.write_text(TEXTS[0])
    assert keys.all() == keys_of(TEXTS[0], "x")
    assert keys.place == str(named)


def test_hkdf_is_that_of_the_rfc() -> None:
    """RFC 5869, appendix A.1 and A.3, the first 32 bytes."""
    first = hkdf(b"\x0b" * 22, bytes(range(0xF0, 0xFA)), bytes(range(13)))
    assert first.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
    third = hkdf(b"\x0b" * 22, b"")
    assert third.hex() == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"


def test_derived_keys_differ_by_label() -> None:
    """One label for each purpose, and none is the master key."""
    key = keys_of(TEXTS[0], "x")[0]
    assert len({key.derive_key("a"), key.derive_key("b"), key.secret}) == 3
    assert key.secret.hex() not in repr(key)
