"""New files replace an instance: what counts is completed by the next opening, what doesn't is removed."""

import errno
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ari.base.errors import Conflict, Unavailable
from ari.base.master_key import MasterKeys
from ari.instance import Instance
from ari.storage.backup.restore_into import into_sqlite
from ari.storage.pending_restore import KEYS_FILE, complete_restore, is_pending, remove_left_files, require_whole
from tests.support.audit_log import create
from tests.support.instances import opened, settings_for


@pytest.fixture
def filled_dir(data_dir: Path) -> Path:
    """The data directory of a stopped instance with a key."""
    with opened(data_dir, None) as instance:
        create(instance, "a")
    return data_dir


def _restore(folder: Path) -> None:
    into_sqlite(settings_for(folder, None), True, MasterKeys(folder), lambda *_: None)


def _fail_sync(monkeypatch: pytest.MonkeyPatch, number: int) -> list[int]:
    """Let the sync of this number, from 1, fail; returns the descriptors of all."""
    seen: list[int] = []

    def fail(descriptor: int) -> None:
        seen.append(descriptor)
        if len(seen) == number:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("ari.storage.pending_restore.os.fsync", fail)
    return seen


def _interrupt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore on a disk that fails as soon as the restore counts."""

    def fail(_descriptor: int) -> None:
        if is_pending(folder):
            raise OSError(errno.EIO, "gone")

    with monkeypatch.context() as patch:
        patch.setattr("ari.storage.pending_restore.os.fsync", fail)
        with pytest.raises(Unavailable, match="isn't complete: gone"):
            _restore(folder)


def _names(folder: Path) -> list[str]:
    with opened(folder, None) as instance, instance.database.reading() as tx:
        return [key.name for key in tx.keys.page(0, "all", None, 9)]


def test_a_disk_that_fails_leaves_one_of_the_two(filled_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every sync: before the restore counts nothing has changed, and after it the next opening completes it."""
    number, outcomes = 0, []
    while True:
        number += 1
        with monkeypatch.context() as patch:
            seen = _fail_sync(patch, number)
            try:
                _restore(filled_dir)
            except Unavailable:
                assert is_pending(filled_dir) or number == len(seen)
            except OSError:
                assert not is_pending(filled_dir)
        if len(seen) < number:
            break
        outcomes.append(_names(filled_dir))
        assert list(filled_dir.glob("restore*")) == []
        if outcomes[-1] == []:
            with opened(filled_dir, None) as instance:
                create(instance, "a")
    assert outcomes[:2] == [["a"], ["a"]]
    assert outcomes[-1] == []


def test_a_process_that_was_opened_before_connects_to_neither(
    filled_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would read old keys next to new usage."""
    early = Instance.open(settings_for(filled_dir, None), check=False)
    early.close_connections()
    try:
        _interrupt(filled_dir, monkeypatch)
        before = (filled_dir / KEYS_FILE).stat()
        with pytest.raises(Unavailable, match="being completed"), early.database.reading():
            pass
        with pytest.raises(Unavailable, match="being completed"), early.database.log.connect():
            pass
        assert (filled_dir / KEYS_FILE).stat().st_mtime_ns == before.st_mtime_ns
        complete_restore(filled_dir)
        with early.database.reading() as tx:
            assert tx.keys.page(0, "all", None, 9) == []
    finally:
        early.close()


def test_keys_that_are_open_are_not_replaced(filled_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The opening is refused with a sentence, and completes the restore later."""
    _interrupt(filled_dir, monkeypatch)
    with closing(sqlite3.connect(filled_dir / KEYS_FILE)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM notes").fetchall()
        with pytest.raises(Conflict, match="ARI is running"):
            complete_restore(filled_dir)
    assert _names(filled_dir) == []


def _read_all(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _require_refused(folder: Path, *named: str) -> None:
    """Opening is refused with a sentence that names these, and changes nothing."""
    before = _read_all(folder)
    with pytest.raises(Conflict) as refused:
        Instance.open(settings_for(folder, None))
    for name in named:
        assert name in str(refused.value)
    assert {name: before[name] for name in before if not name.endswith(".lock")} == {
        name: content for name, content in _read_all(folder).items() if not name.endswith(".lock")
    }


@pytest.mark.parametrize("name", ["master.key", "ari.db-wal", "notes.txt", "ari.lock"])
def test_only_what_a_restore_writes_is_moved(filled_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A file that was put into its folder stays there, with the rest."""
    _interrupt(filled_dir, monkeypatch)
    (filled_dir / "restore.ready" / name).write_bytes(b"other")
    _require_refused(filled_dir, "restore.ready", name)
    (filled_dir / "restore.ready" / name).unlink()
    assert _names(filled_dir) == []


def test_a_restore_that_ari_did_not_begin_is_not_completed(filled_dir: Path, tmp_path: Path) -> None:
    """A folder without a record, with a made-up one, or a link to one elsewhere."""
    ready = filled_dir / "restore.ready"
    ready.mkdir()
    (ready / KEYS_FILE).write_bytes(b"crafted")
    _require_refused(filled_dir, "record of the restore is missing")
    (ready / "restore.json").write_text('{"new": {"master.key": [5, 5]}, "old": {}}', "ascii")
    _require_refused(filled_dir, "record of the restore is missing")
    ready.rename(tmp_path / "elsewhere")
    ready.symlink_to(tmp_path / "elsewhere")
    _require_refused(filled_dir, "isn't a folder")
    ready.unlink()
    assert _names(filled_dir) == ["a"]


def test_a_new_file_that_was_replaced_is_not_moved(filled_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a link to another file."""
    _interrupt(filled_dir, monkeypatch)
    keys = filled_dir / "restore.ready" / KEYS_FILE
    keys.rename(filled_dir / "restored.db")
    keys.symlink_to(filled_dir / "restored.db")
    _require_refused(filled_dir, "didn't write this: ari.db")
    keys.unlink()
    keys.write_bytes(b"other")
    _require_refused(filled_dir, "didn't write this: ari.db")


@pytest.mark.parametrize("name", [KEYS_FILE, "usage.db", "audit.head", "ari.db-wal"])
def test_files_that_were_put_back_are_not_overwritten(
    filled_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A person copied them from before the restore, with their times."""
    (tmp_path / "copy").mkdir()
    (filled_dir / "ari.db-wal").write_bytes(b"")
    for path in filled_dir.iterdir():
        shutil.copy2(path, tmp_path / "copy" / path.name)
    (tmp_path / "copy" / "ari.db-wal").write_bytes(b"log")
    _interrupt(filled_dir, monkeypatch)
    shutil.copy2(tmp_path / "copy" / name, filled_dir / name)
    _require_refused(filled_dir, name, "would overwrite them", "move them away", "restore.ready")
    (filled_dir / name).rename(tmp_path / "away")
    assert _names(filled_dir) == []


def test_old_files_that_were_put_over_moved_ones_stay(filled_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The restore can't be completed: a part of it is gone."""
    old = (filled_dir / "usage.db").read_bytes()
    _interrupt(filled_dir, monkeypatch)
    (filled_dir / "restore.ready" / "usage.db").replace(filled_dir / "usage.db")
    (filled_dir / "usage.db").write_bytes(old + b"0")
    _require_refused(filled_dir, "usage.db of the restore", "can't be completed")
    (filled_dir / "restore.ready").rename(filled_dir / "given up")
    assert _names(filled_dir) == ["a"]


def test_an_interrupted_restore_goes_on_where_it_stopped(filled_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after each move, in a directory whose modes, owners or old files were changed or removed since."""
    _interrupt(filled_dir, monkeypatch)
    for name in ("usage-staging.db", "usage.db"):
        (filled_dir / "restore.ready" / name).replace(filled_dir / name)
    (filled_dir / KEYS_FILE).chmod(0o640)
    (filled_dir / "audit.head").unlink()
    complete_restore(filled_dir)
    assert _names(filled_dir) == []


def test_an_instance_that_a_restore_begins_exists(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys come last: a command mustn't say that there is no instance."""
    _interrupt(data_dir, monkeypatch)
    (data_dir / KEYS_FILE).unlink(missing_ok=True)
    Instance.open(settings_for(data_dir, None), must_exist=True).close()
    require_whole(data_dir)


def test_what_killed_restores_left_is_removed(filled_dir: Path, tmp_path: Path) -> None:
    """Only the folder of this version, and never through a link."""
    (filled_dir / "restore.new").mkdir()
    (filled_dir / "restore.new" / KEYS_FILE).touch()
    remove_left_files(filled_dir)
    assert list(filled_dir.glob("restore*")) == []
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / KEYS_FILE).touch()
    (filled_dir / "restore.new").symlink_to(tmp_path / "elsewhere")
    remove_left_files(filled_dir)
    assert (tmp_path / "elsewhere" / KEYS_FILE).exists()


def test_folders_of_an_operator_stay(filled_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    """At the start and at a restore. Those that an earlier version may have left are named."""
    folders = ("restore-20261130", "restore-ab12cd_9", "restore-november", "restore-notes", "restored")
    for name in folders:
        (filled_dir / name).mkdir()
        (filled_dir / name / KEYS_FILE).touch()
    (filled_dir / "restore-november" / "README").touch()
    remove_left_files(filled_dir)
    _restore(filled_dir)
    assert all((filled_dir / name / KEYS_FILE).exists() for name in folders)
    [line] = [record.getMessage() for record in caplog.records if "earlier version" in record.getMessage()]
    assert "restore-ab12cd_9" in line


def test_completing_a_restore_is_logged(
    filled_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator sees why the instance is another one now."""
    _interrupt(filled_dir, monkeypatch)
    complete_restore(filled_dir)
    complete_restore(filled_dir)
    said = [one.getMessage() for one in caplog.records if one.name == "ari.storage"]
    assert said == [f"Completing the restore of {filled_dir}."]
