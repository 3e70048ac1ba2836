"""Sealing: what opens, what does not, and which master key does it."""

import secrets
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ari.base import seal
from ari.base.errors import ConfigurationError, Conflict
from ari.base.master_key import MasterKeys, hkdf, keys_of
from ari.base.seal import CannotOpen, Context, Sealed
from tests.unit.accounts.memory import MemorySealed

SECRET = b"what must not be seen"
HERE = Context("totp", "usr_1", ("https://api.example.net", "x"))
TEXTS = ["5W-n3kxVdGhZ0bqMZ7ZQv1cXxkR5a9JkqLh0YwT2s8E", "5W+n3kxVdGhZ0bqMZ7ZQv1cXxkR5a9JkqLh0YwT2s8E=\n"]


@dataclass
class Place:
    """A data directory and what is sealed beside it."""

    folder: Path
    store: MemorySealed = field(default_factory=MemorySealed)

    @property
    def keys(self) -> MasterKeys:
        return MasterKeys(self.folder)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An instance without a master key."""
    return Place(tmp_path)


def test_what_is_kept_opens_again(place: Place) -> None:
    """The first secret makes the master key: 0600, one line; the secret is not in the envelope, nor twice the same."""
    seal.keep(place.store, place.keys, HERE, SECRET)
    first = place.store.all()[0].envelope
    assert seal.opened(place.store, place.keys, HERE) == SECRET
    assert seal.opened(place.store, place.keys, Context("totp", "usr_2")) is None
    assert place.keys.own_file.stat().st_mode & 0o777 == 0o600
    assert len(place.keys.own_file.read_text().split()) == 1
    assert SECRET not in first
    seal.keep(place.store, place.keys, HERE, SECRET)
    assert place.store.all()[0].envelope != first
    assert [path.name for path in place.folder.iterdir()] == ["master.key"]


@pytest.mark.parametrize(
    "other",
    [
        Context("webhook", "usr_1", HERE.parts),
        Context("totp", "usr_2", HERE.parts),
        Context("totp", "usr_1", ("https://evil.example", "x")),
        Context("totp", "usr_1", ("https://api.example.net x",)),
        Context("totp", "usr_1"),
    ],
)
def test_another_context_opens_nothing(place: Place, other: Context) -> None:
    """A secret moved to another kind, owner or address stays shut."""
    key = place.keys.make()
    envelope = seal.seal(key, HERE, SECRET)
    assert seal.unseal(key, Sealed(HERE, envelope)) == SECRET
    with pytest.raises(CannotOpen):
        seal.unseal(key, Sealed(other, envelope))


def test_a_changed_envelope_opens_nothing(place: Place) -> None:
    """Any byte that differs, and any length."""
    key = place.keys.make()
    envelope = seal.seal(key, HERE, SECRET)
    spoiled = [envelope[:at] + bytes([envelope[at] ^ 1]) + envelope[at + 1 :] for at in range(len(envelope))]
    for one in [*spoiled, b"", envelope[:5], envelope[:20], envelope[:-1], envelope + b"x"]:
        with pytest.raises(CannotOpen):
            seal.open_one(place.keys, Sealed(HERE, one))


def test_a_lost_key_is_never_replaced(place: Place) -> None:
    """While something is sealed no new key is made; what is missing is named."""
    seal.keep(place.store, place.keys, HERE, SECRET)
    place.keys.own_file.unlink()
    with pytest.raises(CannotOpen, match=r"two-factor secret of usr_1 is sealed with a master key that is not in"):
        seal.keep(place.store, place.keys, Context("totp", "usr_2"), SECRET)
    assert not place.keys.own_file.exists()
    assert [one.context for one in seal.missing_keys(place.store.all(), place.keys)] == [HERE]


def test_a_spoiled_key_file_is_a_plain_fault(place: Place) -> None:
    """While ARI serves nothing is decided without it, and the sentence says what is wrong; no new key is made."""
    seal.keep(place.store, place.keys, HERE, SECRET)
    place.keys.own_file.write_text("not a key")
    with pytest.raises(CannotOpen, match="32 random bytes"):
        seal.opened(place.store, place.keys, HERE)
    with pytest.raises(CannotOpen):
        seal.keep(place.store, place.keys, HERE, SECRET)
    assert place.keys.own_file.read_text() == "not a key"


def test_of_two_that_make_the_key_one_does(place: Place) -> None:
    """The key of another process is taken, never overwritten."""
    first = place.keys.make()
    assert place.keys.make() == first


def test_rotation_keeps_everything_open_at_every_step(place: Place) -> None:
    """A new key in front, everything sealed anew, then the old one is gone; an older key still in use stays."""
    seal.keep(place.store, place.keys, HERE, SECRET)
    old = place.keys.all()[0]
    key, count = seal.reseal_all(place.store, place.keys)
    assert (count, [one.id for one in place.keys.all()]) == (1, [key.id, old.id])
    assert seal.opened(place.store, place.keys, HERE) == SECRET
    late = Context("totp", "usr_2")
    place.store.put(Sealed(late, seal.seal(old, late, SECRET)))
    seal.forget_unused(place.store, place.keys)
    assert seal.opened(place.store, place.keys, late) == SECRET
    newest, count = seal.reseal_all(place.store, place.keys)
    seal.forget_unused(place.store, place.keys)
    assert (count, place.keys.all()) == (2, [newest])
    assert seal.opened(place.store, place.keys, HERE) == SECRET


def test_nothing_to_rotate(place: Place) -> None:
    """Without a master key there is a plain sentence."""
    with pytest.raises(Conflict, match="no master key"):
        seal.reseal_all(place.store, place.keys)


def test_given_keys_are_rotated_by_putting_one_in_front(place: Place) -> None:
    """The first of several seals, the others open; the data directory stays without a key."""
    old = secrets.token_hex(32)
    seal.keep(place.store, MasterKeys(place.folder, old), HERE, SECRET)
    both = MasterKeys(place.folder, f"{secrets.token_hex(32)}, {old}")
    assert seal.reseal_all(place.store, both)[1] == 1
    seal.forget_unused(place.store, both)
    assert seal.opened(place.store, both, HERE) == SECRET
    assert seal.missing_keys(place.store.all(), MasterKeys(place.folder, old))
    assert not both.own_file.exists()


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
    with pytest.raises(ConfigurationError, match="there is no file"):
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
    assert len({key.derived("a"), key.derived("b"), key.secret}) == 3
    assert key.secret.hex() not in repr(key)


def test_a_start_does_not_load_it() -> None:
    """Neither the server nor the command line pays for what is needed once in a while."""
    code = "import sys, ari.server, ari.cli.main; sys.exit(any(name in sys.modules for name in sys.argv[1:]))"
    assert subprocess.run([sys.executable, "-c", code, "cryptography", "segno"]).returncode == 0
