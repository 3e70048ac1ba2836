"""A file of audit lines after crashes, rotations, a full disk and mistakes: no gap, no half line, no foreign loss."""

import os
import stat
from pathlib import Path

import pytest

from ari.outbound.line_file import AuditFileFailed, LineFile, find_last_id
from tests.support.audit_copies import make_chain, make_head, make_key, to_lines

CHAIN = make_chain(4)
LINES = to_lines(CHAIN)


def fill(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def last_of(path: Path) -> str | None:
    """The last event that is found in the file."""
    file = LineFile(path)
    try:
        return file.last_id
    finally:
        file.close()


def refuse(path: Path) -> str:
    with pytest.raises(AuditFileFailed) as error:
        LineFile(path)
    return str(error.value)


def test_a_new_file_is_private_and_grows(tmp_path: Path) -> None:
    """Mode 0600, whatever the umask; it continues after its last event."""
    path = tmp_path / "audit.jsonl"
    before = os.umask(0)
    try:
        file = LineFile(path)
    finally:
        os.umask(before)
    assert (file.last_id, stat.S_IMODE(path.stat().st_mode)) == (None, 0o600)
    file.append(LINES[:2], CHAIN[1].event.id)
    assert file.last_id == CHAIN[1].event.id
    file.close()
    assert (last_of(path), path.read_bytes()) == (CHAIN[1].event.id, b"".join(LINES[:2]))


def test_a_half_line_is_cut_off(tmp_path: Path) -> None:
    """Of whatever length: a killed process leaves one, also as the first line of all."""
    whole = b"".join(LINES[:2])
    for length in (1, 5, 12, len(LINES[2]) - 1):
        path = fill(tmp_path / "audit.jsonl", whole + LINES[2][:length])
        assert last_of(path) == CHAIN[1].event.id
        assert path.read_bytes() == whole
        path = fill(tmp_path / "first.jsonl", LINES[0][:length])
        assert last_of(path) is None
        assert path.read_bytes() == b""


@pytest.mark.parametrize("count", [1, 70_000])
@pytest.mark.parametrize("torn", [b"", LINES[2][:9]])
def test_nuls_of_a_power_cut_are_cut_off(count: int, torn: bytes, tmp_path: Path) -> None:
    """After a whole line or a half one. Looking for a fault changes nothing."""
    whole = b"".join(LINES[:2])
    path = fill(tmp_path / "audit.jsonl", whole + torn + bytes(count))
    assert find_last_id(path) == CHAIN[1].event.id
    assert path.stat().st_size == len(whole + torn) + count
    assert last_of(path) == CHAIN[1].event.id
    assert path.read_bytes() == whole


def test_a_head_at_the_end_names_the_last_event(tmp_path: Path) -> None:
    """Also the torn one of a killed process is cut off."""
    head = make_head(make_key(tmp_path), CHAIN[:3])
    path = fill(tmp_path / "audit.jsonl", b"".join(LINES[:3]) + head)
    assert last_of(path) == CHAIN[2].event.id
    path = fill(tmp_path / "audit.jsonl", b"".join(LINES[:3]) + head[:30])
    assert last_of(path) == CHAIN[2].event.id
    assert path.read_bytes() == b"".join(LINES[:3])


@pytest.mark.parametrize(
    "content",
    [
        b"root:x:0:0\n",
        b"root:x:0:0",
        b"\x00" * 9,
        b"{}\n",
        LINES[0] + b"hello",
        b"notes\n" + bytes(9),
        LINES[0] + b"\n\n",
    ],
)
def test_a_foreign_file_stays_as_it_is(content: bytes, tmp_path: Path) -> None:
    """A mistyped path must not destroy anything."""
    path = fill(tmp_path / "notes", content)
    with pytest.raises(AuditFileFailed) as refused:
        find_last_id(path)
    assert str(refused.value) == refuse(path)
    assert "doesn't end like a copy of the audit log" in refuse(path)
    assert path.read_bytes() == content


def test_only_regular_files_are_written(tmp_path: Path) -> None:
    """No link, which someone may have put there; no folder, pipe or missing folder."""
    target = fill(tmp_path / "target", b"")
    (tmp_path / "link").symlink_to(target)
    os.mkfifo(tmp_path / "pipe")
    assert "symbolic links" in refuse(tmp_path / "link")
    assert "Is a directory" in refuse(tmp_path)
    assert "isn't a regular file" in refuse(tmp_path / "pipe")
    assert "No such file or directory" in refuse(tmp_path / "none" / "audit.jsonl")


def test_one_process_writes(tmp_path: Path) -> None:
    """Two would mix their lines."""
    path = tmp_path / "audit.jsonl"
    first = LineFile(path)
    assert "Another process is writing" in refuse(path)
    first.close()
    assert last_of(path) is None


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The written part of a batch is taken back."""
    path = tmp_path / "audit.jsonl"
    file = LineFile(path)
    file.append(LINES[:1], CHAIN[0].event.id)
    write = os.write

    def fail_soon(descriptor: int, data: bytes) -> int:
        if len(data) < len(LINES[1]) // 2:
            raise OSError(28, "No space left on device")
        return write(descriptor, bytes(data)[: len(data) // 2])

    monkeypatch.setattr(os, "write", fail_soon)
    with pytest.raises(AuditFileFailed, match="No space left on device"):
        file.append(LINES[1:2], CHAIN[1].event.id)
    monkeypatch.undo()
    assert path.read_bytes() == LINES[0]
    file.append(LINES[1:2], CHAIN[1].event.id)
    assert path.read_bytes() == b"".join(LINES[:2])
    file.close()


def test_rotation_is_noticed(tmp_path: Path) -> None:
    """The file was renamed, removed or made shorter."""
    path = tmp_path / "audit.jsonl"
    file = LineFile(path)
    file.append(LINES[:1], CHAIN[0].event.id)
    assert file.is_current()
    path.rename(tmp_path / "audit.jsonl.1")
    assert not file.is_current()
    path.touch()
    assert not file.is_current()
    (tmp_path / "audit.jsonl.1").rename(path)
    assert file.is_current()
    os.truncate(path, 0)
    assert not file.is_current()
    file.append(LINES[:1], CHAIN[0].event.id)
    assert not file.is_current()  # also with new lines
    file.close()
