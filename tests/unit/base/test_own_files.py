"""Files of an instance are known by their names and by where other names lead."""

from pathlib import Path

import pytest

from ari.base.own_files import is_own_file


@pytest.mark.parametrize(
    "name",
    [
        "ari.db",
        "usage-staging.db-wal",
        "master.key",
        "master.key.old",
        "any.lock",
        "live-worker-0.sock",
        "restore.json",
        "restore.new/ari.db",
    ],
)
def test_names_in_the_data_directory(tmp_path: Path, name: str) -> None:
    """Also of files that aren't there yet, and by a way around; elsewhere such a name is anybody's."""
    folder = tmp_path / "data"
    folder.mkdir()
    assert is_own_file(folder / name, folder)
    assert is_own_file(tmp_path / "x" / ".." / "data" / name, folder)
    assert not is_own_file(tmp_path / name, folder)


def test_other_files_are_free(tmp_path: Path) -> None:
    """In the data directory, too; the directory itself is not."""
    for name in ("mine.backup", "audit.jsonl", "ari.database", "archive/ari.backup"):
        assert not is_own_file(tmp_path / name, tmp_path), name
    assert is_own_file(tmp_path, tmp_path)


def test_links_and_files_elsewhere(tmp_path: Path) -> None:
    """What leads to a file of the instance is that file, also a hard link."""
    folder, key = tmp_path / "data", tmp_path / "key"
    folder.mkdir()
    key.touch()
    (folder / "ari.db").touch()
    link, hard = tmp_path / "link", tmp_path / "hard"
    link.symlink_to(folder / "ari.db")
    hard.hardlink_to(key)
    assert is_own_file(link, folder)
    assert not is_own_file(hard, folder)
    assert is_own_file(hard, folder, [None, key])
    assert not is_own_file(tmp_path / "new", folder, [tmp_path / "missing"])
