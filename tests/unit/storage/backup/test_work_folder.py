"""Temporary folders: those in use stay, those of killed processes go."""

import fcntl
import os
from pathlib import Path

import pytest

from ari.storage.backup import work_folder
from ari.storage.backup.work_folder import LOCK, PREFIX, hold_folder, remove_left


def _leave(parent: Path, name: str = "left") -> Path:
    folder = parent / f"{PREFIX}{name}"
    (folder / "instance").mkdir(parents=True)
    (folder / LOCK).touch()
    return folder


def test_a_folder_in_use_stays(tmp_path: Path) -> None:
    """Another command may clean at any time; the folder of a killed one goes, and files of others stay."""
    (tmp_path / "other").mkdir()
    (tmp_path / f"{PREFIX}file").touch()
    left = _leave(tmp_path)
    with hold_folder(tmp_path) as first:
        assert not left.exists()
        with hold_folder(tmp_path) as second:
            remove_left(tmp_path)
            assert first.is_dir()
            assert second.is_dir()
            assert first.stat().st_mode & 0o777 == 0o700
        assert not second.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{PREFIX}file", "other"]


def test_a_folder_that_is_removed_before_its_lock_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process has its lock, or has removed it."""
    locked, gone, new = _leave(tmp_path, "locked"), tmp_path / f"{PREFIX}gone", tmp_path / f"{PREFIX}new"
    new.mkdir()
    made = iter([locked, gone, new])
    monkeypatch.setattr(work_folder, "remove_left", lambda _parent: None)
    monkeypatch.setattr("tempfile.mkdtemp", lambda **_: str(next(made)))
    descriptor = os.open(locked / LOCK, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with hold_folder(tmp_path) as folder:
            assert folder == new
    finally:
        os.close(descriptor)
    assert locked.exists()


def test_folders_that_ari_did_not_make_stay(tmp_path: Path) -> None:
    """A link to someone's folder, and a folder of another program with such a name."""
    victim, work = _leave(tmp_path, "victim"), tmp_path / "work"
    report = work / f"{PREFIX}report"
    report.mkdir(parents=True)
    (report / "mine.txt").write_text("of another program")
    (work / f"{PREFIX}link").symlink_to(victim)
    linked = work / f"{PREFIX}linked-mark"
    linked.mkdir()
    (linked / LOCK).symlink_to(victim / LOCK)
    remove_left(work)
    assert (victim / "instance").is_dir()
    assert sorted(path.name for path in work.iterdir()) == [
        f"{PREFIX}{name}" for name in ("link", "linked-mark", "report")
    ]
    assert (report / "mine.txt").exists()
