"""The first bytes of a stored file have the time of the backup, its last the signer."""

import io
from pathlib import Path

from ari.backups.backup_name import BackupName
from ari.instance import Instance
from ari.storage.backup.directory import DirectoryTarget
from ari.storage.backup.signature import LENGTH
from ari.storage.backup.stored_backup import find_problem, identify
from ari.storage.backup.write import write_backup
from tests.support.commands import create_key

INSTANCE = "ins_" + "1" * 26


def _write(instance: Instance, folder: Path) -> bytes:
    create_key(instance, "first")
    file = io.BytesIO()
    write_backup(instance.database, file, instance.now_ms(), lambda *_: None)
    (folder / "a").write_bytes(file.getvalue())
    return file.getvalue()


def test_a_backup_names_its_time_and_instance(instance: Instance, tmp_path: Path) -> None:
    """Without its signature only the time. A name that says both has no problem."""
    body, target = _write(instance, tmp_path), DirectoryTarget(tmp_path)
    found = identify(target, "a")
    assert found is not None
    assert found.created_ms == instance.now_ms() // 1000 * 1000
    assert found.instance is not None
    name = str(BackupName(instance.now_ms(), found.instance))
    (tmp_path / "a").rename(tmp_path / name)
    assert find_problem(target, name) == (found.created_ms, None)
    (tmp_path / "b").write_bytes(body[:-LENGTH])
    assert identify(target, "b") is not None
    assert find_problem(target, "b") == (None, None)


def test_a_name_of_another_backup_is_a_problem(instance: Instance, tmp_path: Path) -> None:
    """So is a name that ARI doesn't give."""
    _write(instance, tmp_path)
    target, name = DirectoryTarget(tmp_path), str(BackupName(instance.now_ms(), INSTANCE))
    assert "with another name" in str(find_problem(target, "a")[1])
    (tmp_path / "a").rename(tmp_path / name)
    assert "isn't what its name says" in str(find_problem(target, name)[1])


def test_other_files_are_no_backups(tmp_path: Path) -> None:
    """Short, of another kind, or gone; with the name of a backup, that is a problem."""
    target, name = DirectoryTarget(tmp_path), str(BackupName(0, INSTANCE))
    for content in (b"", b"\x1f\x8b", b"text that is long enough"):
        for text in ("other", name):
            (tmp_path / text).write_bytes(content)
        assert find_problem(target, "other") == (None, None)
        assert "isn't a backup" in str(find_problem(target, name)[1])
    (tmp_path / name).unlink()
    assert find_problem(target, name) == (0, f"Can't read {tmp_path}: No such file or directory.")
    assert find_problem(target, "gone") == (None, None)
