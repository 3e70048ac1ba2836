"""The last signed head that this node has committed, in a file of its own."""

from pathlib import Path

import pytest

from ari.base.audit import FIRST, Head, Mark
from ari.base.master_key import keys_of
from ari.storage.audit_log.witness import Witness

[KEY] = keys_of("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "a test")
HEAD = Head("ins_1", 3, "evt_3", FIRST, 9)


def test_the_head_comes_back_with_its_signature(data_dir: Path) -> None:
    """The last one that was kept, readable by nobody else."""
    witness = Witness(data_dir)
    assert witness.read() is None
    witness.keep(Mark.of(KEY, Head("ins_1", 2, "evt_2", FIRST, 8)))
    witness.keep(Mark.of(KEY, HEAD))
    kept = Witness(data_dir).read()
    assert kept == Mark.of(KEY, HEAD)
    assert kept is not None
    assert kept.trust([KEY]) == "ours"
    assert witness.head() == HEAD
    assert witness.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in data_dir.iterdir()] == [witness.path.name]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff"])
def test_a_damaged_file_is_no_witness(data_dir: Path, content: bytes) -> None:
    """It is a lower bound only, so it must stop nothing."""
    witness = Witness(data_dir)
    witness.path.write_bytes(content)
    assert witness.read() is None
    assert witness.head() is None


def test_a_place_that_cannot_keep_it_is_named(data_dir: Path) -> None:
    """For the operator: a change itself must not fail."""
    witness = Witness(data_dir)
    assert witness.find_fault() is None
    witness.keep(Mark.of(KEY, HEAD))
    assert witness.find_fault() is None
    witness.forget()
    witness.path.mkdir()
    assert witness.find_fault() == f"{witness.path} isn't a regular file. Move it away."


def test_a_head_that_cannot_be_kept_fails_no_change(data_dir: Path) -> None:
    """Its subject has been committed already."""
    witness = Witness(data_dir / "gone")
    witness.keep(Mark.of(KEY, HEAD))
    assert witness.read() is None


def test_a_forgotten_head_is_gone(data_dir: Path) -> None:
    """Where another database takes this one's place; twice is no error."""
    witness = Witness(data_dir)
    witness.keep(Mark.of(KEY, HEAD))
    witness.forget()
    witness.forget()
    assert witness.read() is None
