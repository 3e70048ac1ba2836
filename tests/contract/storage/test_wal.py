"""The WAL that a killed process left is emptied, and no file is created."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from ari.storage.wal import remove_wal


def _leave_wal(folder: Path) -> Path:
    """Make a SQLite file whose only row is in its WAL, as a process does that is killed."""
    used, left = folder / "used.db", folder / "left?.db"
    with closing(sqlite3.connect(used)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE names (name)")
        connection.execute("INSERT INTO names VALUES ('erased-name')")
        connection.commit()
        for end in ("", "-wal"):
            shutil.copy(folder / f"used.db{end}", folder / f"left?.db{end}")
    return left


def test_a_wal_that_was_left_is_emptied_into_its_file(tmp_path: Path) -> None:
    """Its rows stay, the WAL is gone; also for a path with a character that URLs reserve."""
    path = _leave_wal(tmp_path)
    assert b"erased-name" not in path.read_bytes()
    remove_wal(path)
    assert [one.name for one in tmp_path.glob("left*")] == ["left?.db"]
    assert b"erased-name" in path.read_bytes()


def test_a_file_in_use_keeps_its_wal(tmp_path: Path) -> None:
    """Another process may still read and write it; nothing waits for that."""
    path = _leave_wal(tmp_path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        remove_wal(path)
        assert (tmp_path / "left?.db-wal").exists()


def test_a_missing_or_broken_file_is_left_as_it_is(tmp_path: Path) -> None:
    """An empty file in place of a missing one would hide the loss. A broken one doesn't keep the server from ending."""
    wal = tmp_path / "gone.db-wal"
    wal.write_bytes(b"rest")
    remove_wal(tmp_path / "gone.db")
    assert [*tmp_path.iterdir()] == [wal]
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"x" * 4096)
    (tmp_path / "broken.db-wal").write_bytes(b"y" * 4096)
    remove_wal(broken)
    assert broken.read_bytes() == b"x" * 4096
