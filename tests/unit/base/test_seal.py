"""Encrypted secrets: what opens, what does not, and which master key does it."""

import secrets
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.base import master_key, seal
from ari.base.errors import Conflict
from ari.base.master_key import MasterKeys
from ari.base.seal import CannotOpen, Context, Sealed
from tests.support.sealing import first_version
from tests.unit.accounts.memory import MemorySealed

SECRET = b"what must not be seen"
HERE = Context("totp", "usr_1", ("https://api.example.net", "x"))


@dataclass
class Place:
    """A data directory and what is encrypted next to it."""

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
    assert seal.open_secret(place.store, place.keys, HERE) == SECRET
    assert seal.open_secret(place.store, place.keys, Context("totp", "usr_2")) is None
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
    """While something is encrypted no new key is made; what is missing is named."""
    seal.keep(place.store, place.keys, HERE, SECRET)
    place.keys.own_file.unlink()
    with pytest.raises(CannotOpen, match=r"two-factor secret of usr_1 is encrypted with a master key that isn't in"):
        seal.keep(place.store, place.keys, Context("totp", "usr_2"), SECRET)
    assert not place.keys.own_file.exists()
    assert [one.context for one in seal.find_missing_keys(place.store.all(), place.keys)] == [HERE]


def test_a_spoiled_key_file_is_a_plain_fault(place: Place) -> None:
    """While ARI serves nothing is decided without it, and the sentence says what is wrong; no new key is made."""
    seal.keep(place.store, place.keys, HERE, SECRET)
    place.keys.own_file.write_text("not a key")
    with pytest.raises(CannotOpen, match="32 random bytes"):
        seal.open_secret(place.store, place.keys, HERE)
    with pytest.raises(CannotOpen):
        seal.keep(place.store, place.keys, HERE, SECRET)
    assert place.keys.own_file.read_text() == "not a key"


def test_the_wrong_key_encrypts_nothing_more(place: Place) -> None:
    """With another key in place of the right one nothing is encrypted, replaced or rotated; the sentence says why."""
    seal.keep(place.store, place.keys, HERE, SECRET)
    before = place.store.all()
    wrong = MasterKeys(place.folder, secrets.token_hex(32))
    for attempt in (
        lambda: seal.keep(place.store, wrong, Context("totp", "usr_2"), SECRET),
        lambda: seal.keep(place.store, wrong, HERE, SECRET),
        lambda: seal.reseal_all(place.store, wrong),
        lambda: seal.open_secret(place.store, wrong, HERE),
    ):
        with pytest.raises(CannotOpen, match="encrypted with a master key that isn't in ARI_MASTER_KEY"):
            attempt()
    assert place.store.all() == before


def test_one_changed_row_stops_a_rotation_before_it_begins(place: Place) -> None:
    """Neither the file nor any row is touched when one of them cannot be carried over."""
    seal.keep(place.store, place.keys, HERE, SECRET)
    seal.keep(place.store, place.keys, Context("totp", "usr_2"), SECRET)
    good = place.store.all()[1]
    place.store.put(Sealed(HERE, good.envelope))
    before, file = place.store.all(), place.keys.own_file.read_bytes()
    with pytest.raises(CannotOpen, match="Can't decrypt the two-factor secret of usr_1: it was changed or moved"):
        seal.reseal_all(place.store, place.keys)
    assert (place.store.all(), place.keys.own_file.read_bytes()) == (before, file)


def test_version_1_opens_and_becomes_version_2(place: Place) -> None:
    """Secrets of running instances open as they are; a rotation gives each a data key, also under the same key."""
    place.keys.make()
    old = Sealed(HERE, first_version(place.keys.all()[0], HERE, SECRET))
    place.store.put(old)
    assert seal.open_secret(place.store, place.keys, HERE) == SECRET
    with pytest.raises(CannotOpen):
        seal.open_one(place.keys, Sealed(Context("totp", "usr_2"), old.envelope))
    given_keys = MasterKeys(place.folder, place.keys.all()[0].secret.hex())
    assert seal.reseal_all(place.store, given_keys)[1] == 1
    assert place.store.all()[0].is_latest
    assert seal.open_secret(place.store, place.keys, HERE) == SECRET
    assert seal.reseal_all(place.store, given_keys)[1] == 0
    place.store.put(Sealed(HERE, first_version(place.keys.all()[0], HERE, SECRET)))
    seal.reseal_all(place.store, place.keys)
    seal.forget_unused(place.store, place.keys)
    assert seal.open_secret(place.store, place.keys, HERE) == SECRET


def test_a_rotation_wraps_data_keys_and_leaves_secrets_alone(place: Place) -> None:
    """The encrypted secret itself stays byte for byte; each secret has a data key of its own."""
    seal.keep(place.store, place.keys, HERE, SECRET)
    seal.keep(place.store, place.keys, Context("totp", "usr_2"), SECRET)
    before = [one.envelope for one in place.store.all()]
    seal.reseal_all(place.store, place.keys)
    after = [one.envelope for one in place.store.all()]
    assert [one[-(12 + len(SECRET) + 16) :] for one in after] == [one[-(12 + len(SECRET) + 16) :] for one in before]
    assert all(one[:69] != other[:69] for one, other in zip(before, after, strict=True))
    assert len(after[0]) == 69 + 12 + len(SECRET) + 16
    mixed = Sealed(HERE, after[1][:69] + after[0][69:])
    with pytest.raises(CannotOpen):
        seal.open_one(place.keys, mixed)


_KEYS = MasterKeys(Path("/nowhere"), secrets.token_hex(32))
_TEXT = st.text(max_size=12)
_CONTEXTS = st.builds(Context, _TEXT, _TEXT, st.lists(_TEXT, max_size=3).map(tuple))


@given(_CONTEXTS, _CONTEXTS, st.binary(max_size=600))
def test_rows_cannot_be_swapped(one: Context, other: Context, secret: bytes) -> None:
    """Whatever the two contexts are, an envelope opens with its own alone."""
    envelope = seal.seal(_KEYS.all()[0], one, secret)
    assert seal.open_one(_KEYS, Sealed(one, envelope)) == secret
    if other != one:
        with pytest.raises(CannotOpen):
            seal.open_one(_KEYS, Sealed(other, envelope))


@given(st.binary(max_size=80), st.data())
def test_flipped_bytes_open_nothing(secret: bytes, data: st.DataObject) -> None:
    """Bytes changed, cut off, repeated or added anywhere: nothing opens, and nothing else is raised."""
    for good in (
        Sealed(HERE, seal.seal(_KEYS.all()[0], HERE, secret)),
        Sealed(HERE, first_version(_KEYS.all()[0], HERE, secret)),
    ):
        envelope = bytearray(good.envelope)
        at = data.draw(st.integers(0, len(envelope) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "grow"])):
            case "flip":
                envelope[at] ^= data.draw(st.integers(1, 255))
            case "cut":
                del envelope[at : data.draw(st.integers(at + 1, len(envelope)))]
            case "grow":
                envelope[at:at] = data.draw(st.binary(min_size=1, max_size=20))
        assert envelope != good.envelope
        with pytest.raises(CannotOpen):
            seal.open_one(_KEYS, Sealed(HERE, bytes(envelope)))


def test_what_was_read_before_a_rotation_opens_after_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that holds an envelope while the old key is forgotten opens it still; a minute later nothing does."""
    seal.keep(place.store, place.keys, HERE, SECRET)
    serving, held = place.keys, place.store.all()[0]
    assert seal.open_one(serving, held) == SECRET
    seal.reseal_all(place.store, place.keys)
    seal.forget_unused(place.store, place.keys)
    assert seal.open_one(serving, held) == SECRET
    assert len(serving.all()) == 1
    monkeypatch.setattr(master_key, "GRACE_SECONDS", -1.0)
    later = place.keys
    later.all()
    seal.reseal_all(place.store, place.keys)
    seal.forget_unused(place.store, place.keys)
    with pytest.raises(CannotOpen):
        seal.open_one(later, held)


def test_rotation_keeps_everything_open_at_every_step(place: Place) -> None:
    """A new key in front, everything encrypted again, then the old one is gone; an older key still in use stays."""
    seal.keep(place.store, place.keys, HERE, SECRET)
    old = place.keys.all()[0]
    key, count = seal.reseal_all(place.store, place.keys)
    assert (count, [one.id for one in place.keys.all()]) == (1, [key.id, old.id])
    assert seal.open_secret(place.store, place.keys, HERE) == SECRET
    late = Context("totp", "usr_2")
    place.store.put(Sealed(late, seal.seal(old, late, SECRET)))
    seal.forget_unused(place.store, place.keys)
    assert seal.open_secret(place.store, place.keys, late) == SECRET
    newest, count = seal.reseal_all(place.store, place.keys)
    seal.forget_unused(place.store, place.keys)
    assert (count, place.keys.all()) == (2, [newest])
    assert seal.open_secret(place.store, place.keys, HERE) == SECRET


def test_nothing_to_rotate(place: Place) -> None:
    """Without a master key there is a plain sentence."""
    with pytest.raises(Conflict, match="no master key"):
        seal.reseal_all(place.store, place.keys)


def test_given_keys_are_rotated_by_putting_one_in_front(place: Place) -> None:
    """The first of several encrypts, the others open; the data directory stays without a key."""
    old = secrets.token_hex(32)
    seal.keep(place.store, MasterKeys(place.folder, old), HERE, SECRET)
    both = MasterKeys(place.folder, f"{secrets.token_hex(32)}, {old}")
    assert seal.reseal_all(place.store, both)[1] == 1
    seal.forget_unused(place.store, both)
    assert seal.open_secret(place.store, both, HERE) == SECRET
    assert seal.find_missing_keys(place.store.all(), MasterKeys(place.folder, old))
    assert not both.own_file.exists()


def test_a_start_does_not_load_it() -> None:
    """Neither the server nor the command line pays for what is needed once in a while."""
    code = "import sys, ari.server, ari.cli.main; sys.exit(any(name in sys.modules for name in sys.argv[1:]))"
    assert subprocess.run([sys.executable, "-c", code, "cryptography", "segno"]).returncode == 0
