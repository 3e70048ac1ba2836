"""The record of a restore shows which files a person changed since."""

import os
from pathlib import Path

import pytest

from ari.storage.restore_journal import JOURNAL_FILE, RestoreJournal, list_replaced

NAMES = ("usage.db", "ari.db")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """New files, in a data directory that has old ones."""
    folder = tmp_path / "restore.ready"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(b"new")
        (tmp_path / name).write_bytes(b"old")
    (folder / JOURNAL_FILE).write_text(RestoreJournal.describe(folder, tmp_path, NAMES).to_json(), "ascii")
    return folder


def _look(folder: Path) -> tuple[list[str], list[str], list[str]]:
    """The foreign, lost and put back files."""
    journal = RestoreJournal.read(folder, NAMES)
    assert journal is not None
    return (
        journal.find_foreign(folder),
        journal.find_lost(folder, folder.parent),
        journal.find_put_back(folder, folder.parent),
    )


def test_an_untouched_restore_has_nothing_else(folder: Path) -> None:
    """Nor one of which some files were moved, or with old files that are gone."""
    assert _look(folder) == ([], [], [])
    (folder / "usage.db").replace(folder.parent / "usage.db")
    (folder.parent / "ari.db").unlink()
    assert _look(folder) == ([], [], [])


def test_what_was_changed_is_named(folder: Path) -> None:
    """In the folder, at the places of moved files, and of those that are still to be moved."""
    (folder / "usage.db").replace(folder.parent / "usage.db")
    (folder.parent / "usage.db").write_bytes(b"older")
    (folder / "other").touch()
    os.utime(folder.parent / "ari.db", (1, 1))
    assert _look(folder) == (["other"], ["usage.db"], ["ari.db"])


def test_logs_of_sqlite_count_if_they_have_content(folder: Path) -> None:
    """An empty one has nothing to lose."""
    (folder.parent / "ari.db-wal").touch()
    assert _look(folder) == ([], [], [])
    (folder.parent / "ari.db-wal").write_bytes(b"log")
    assert _look(folder)[2] == ["ari.db-wal"]
    assert [path.name for path in list_replaced(folder.parent, NAMES)] == ["usage.db", "ari.db", "ari.db-wal"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 50_000,
        '{"new": {}, "old": {}, "more": {}}',
        '{"new": [], "old": {}}',
        '{"new": {"ari.db": [1]}, "old": {}}',
        '{"new": {"ari.db": [true, 1]}, "old": {}}',
        '{"new": {"master.key": [1, 1]}, "old": {}}',
    ],
)
def test_a_record_that_no_restore_wrote_is_none(folder: Path, text: str) -> None:
    """Whatever is in the file, and with other names than a restore writes."""
    (folder / JOURNAL_FILE).write_text(text, "ascii")
    assert RestoreJournal.read(folder, NAMES) is None


def test_no_record_is_none(folder: Path) -> None:
    """A folder of an earlier version, or of a person."""
    (folder / JOURNAL_FILE).unlink()
    assert RestoreJournal.read(folder, NAMES) is None
