"""``ari backup`` and ``ari restore``: files, modes and sentences; what a backup holds is tested in tests/contract."""

import json
import os
import shutil
import stat
import tarfile
from pathlib import Path
from typing import IO

import pytest

from ari.backups.ports import StoredFile
from ari.base.errors import Unavailable
from ari.storage.backup.directory import DirectoryTarget
from ari.storage.backup.work_folder import LOCK, hold_folder
from tests.support.command import Cli
from tests.support.server import ServerProcess
from tests.support.terminal import at_terminal
from tests.unit.cli.conftest import Ari


def _new(ari: Ari, tmp_path: Path) -> str:
    """A data directory for a new instance, with the master key that the old one keeps apart."""
    folder = tmp_path / "new"
    folder.mkdir(mode=0o700)
    shutil.copy2(ari.data_dir / "master.key", folder)
    return str(folder)


def test_round_trip(ari: Ari, tmp_path: Path) -> None:
    """A backup makes a new instance whose keys wait for a look; both ends are events."""
    key, _ = ari.create()
    file, new = tmp_path / "ari.backup", _new(ari, tmp_path)
    assert ari("backup", str(file)).out == f"Wrote {file}: 1 key, 1 event, 0 usage rows.\n"
    assert ari.json("events")["items"][0]["name"] == "backup_written"
    said = ari("restore", str(file), "--data-dir", new).out
    assert "Restored 1 key and" in said
    assert "1 key was restored as disabled" in said
    assert ari.json("keys", "list", "--data-dir", new)["items"][0] == {**key, "status": "disabled", "disabled": True}
    assert ari.json("events", "--data-dir", new)["items"][0]["name"] == "backup_restored"


def test_trusted_keys_stay_enabled(ari: Ari, tmp_path: Path) -> None:
    """--trust-keys takes the backup's word."""
    key, _ = ari.create()
    file, new = str(tmp_path / "ari.backup"), _new(ari, tmp_path)
    ari("backup", file)
    ari("restore", file, "--trust-keys", "--data-dir", new)
    assert ari.json("keys", "show", key["id"], "--data-dir", new)["status"] == "active"


def test_only_its_owner_can_read_the_file(ari: Ari, tmp_path: Path) -> None:
    """Mode 0600 from its first byte, whatever the umask; so are a restored instance's files."""
    old = os.umask(0)
    try:
        ari("backup", str(tmp_path / "b"))
        ari("restore", str(tmp_path / "b"), "--data-dir", _new(ari, tmp_path))
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    for path in (tmp_path / "new").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_file_is_not_overwritten_by_mistake(ari: Ari, tmp_path: Path) -> None:
    """--force says that it is meant."""
    file = tmp_path / "b"
    file.write_text("precious")
    assert "already exists. Use --force to overwrite." in ari.refuse("backup", str(file))
    assert file.read_text() == "precious"
    ari("backup", str(file), "--force")
    assert tarfile.is_tarfile(file)


def test_a_failed_backup_leaves_nothing(ari: Ari, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No half file under the name, no litter next to it, no event that says it worked."""

    def fail(_database: object, file: IO[bytes], *_: object) -> None:
        file.write(b"half")
        raise Unavailable("Can't connect to the database. Nothing was changed.")

    monkeypatch.setattr("ari.storage.backup.write.write_backup", fail)
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "b").write_text("the one before")
    assert "Can't connect to the database" in ari.refuse("backup", str(folder / "b"), "--force")
    assert [path.name for path in folder.iterdir()] == ["b"]
    assert (folder / "b").read_text() == "the one before"
    assert ari.json("events")["items"] == []


def test_places_that_cannot_be_are_one_sentence(ari: Ari, tmp_path: Path) -> None:
    """A missing folder, a missing file, a folder for a file."""
    missing = tmp_path / "no"
    assert ari.refuse("backup", str(missing / "b")) == f"Can't write {missing}/b: No such file or directory."
    assert ari.refuse("restore", str(missing)) == f"Can't read {missing}: No such file or directory."
    assert ari.refuse("restore", str(tmp_path)) == f"Can't read {tmp_path}: Is a directory."


def test_another_file_is_no_backup(ari: Ari, tmp_path: Path) -> None:
    """One sentence; the instance is as it was."""
    key = ari.json("keys", "show", ari.create()[0]["id"])
    (tmp_path / "x").write_text("hello")
    assert "isn't a complete ARI backup" in ari.refuse("restore", str(tmp_path / "x"), "--force")
    assert ari.json("keys", "show", key["id"]) == key


def test_a_running_server_is_not_restored_under(server: ServerProcess, cli: Cli, tmp_path: Path) -> None:
    """Backup works next to a server; restore refuses until it is stopped."""
    cli.create_key("Laptop")
    file = str(tmp_path / "b")
    cli("backup", file, check=True)
    ran = cli("restore", file, "--force")
    assert ran.returncode == 1
    assert "ARI is running on this instance" in ran.stderr
    server.stop()
    cli("restore", file, "--force", check=True)
    server.start()
    assert cli.json("keys", "list")["items"][0]["status"] == "disabled"


def test_progress_is_for_people(cli: Cli, tmp_path: Path) -> None:
    """A terminal sees how far it is; a pipe only the result."""
    cli("migrate", check=True)
    assert cli("backup", str(tmp_path / "a"), check=True).stderr == ""
    code, screen = at_terminal(["backup", str(tmp_path / "b")], cli.environment, cli.folder)
    assert code == 0
    assert "Backing up" in screen


def test_only_a_regular_file_is_replaced(ari: Ari, tmp_path: Path) -> None:
    """--force leaves a pipe, a device or a folder in its place, and replaces what a link leads to."""
    pipe, link, file = tmp_path / "pipe", tmp_path / "link", tmp_path / "ari.backup"
    os.mkfifo(pipe)
    for taken in (pipe, tmp_path, Path("/dev/null")):
        refused = ari("backup", str(taken), "--force", check=False)
        assert f"{taken} isn't a regular file" in refused.err
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    file.write_text("old")
    link.symlink_to(file)
    ari("backup", str(link), "--force")
    assert link.is_symlink()
    assert file.read_bytes() != b"old"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for scheduled backups."""
    folder = tmp_path / "backups"
    folder.mkdir()
    monkeypatch.setenv("ARI_BACKUP_TO", str(folder))
    return folder


def test_a_backup_to_the_place_of_scheduled_ones(ari: Ari, place: Path, tmp_path: Path) -> None:
    """Written, listed, verified and restored by its name or as the latest."""
    ari.create()
    assert ari.json("backup", "list") == {"place": str(place), "items": []}
    said = ari("backup", "now").out
    [name] = [path.name for path in place.iterdir()]
    assert said.startswith(f"Wrote and verified {name}: ")
    [found] = ari.json("backup", "list")["items"]
    assert (found["name"], found["verified"], found["bytes"]) == (name, True, (place / name).stat().st_size)
    assert name in ari("backup", "list").out
    for wanted in ("latest", name, str(place / name)):
        assert ari("backup", "verify", wanted).out.endswith("can be restored: 1 key and 0 usage rows.\n")
    new = _new(ari, tmp_path)
    said = ari("restore", "latest", "--data-dir", new).out
    assert "Restored 1 key" in said
    assert "1 key was restored as disabled" in said
    assert f"({name})" in said
    assert not (tmp_path / "new" / "backup.work").exists()


def test_backups_of_several_instances_in_one_place(ari: Ari, place: Path, tmp_path: Path) -> None:
    """The latest could be another's, so it has to be named."""
    ari("backup", "now")
    [name] = [path.name for path in place.iterdir()]
    other = f"{name[:25]}{'0' * 26}.backup"
    shutil.copy2(place / name, place / other)
    new = _new(ari, tmp_path)
    refused = ari.refuse("restore", "latest", "--data-dir", new)
    assert "has backups of several instances or restores" in refused
    assert name in refused
    assert other in refused
    assert other in ari("backup", "list").err
    assert not (tmp_path / "new" / "backup.work").exists()
    ari("restore", name, "--data-dir", new)


def test_the_list_names_files_that_are_not_what_they_are_called(ari: Ari, place: Path) -> None:
    """An old backup over a newer name, one with a name of a person, one that is damaged; not other files."""
    ari("backup", "now")
    [name] = [path.name for path in place.iterdir()]
    shutil.copy2(place / name, place / "monday.backup")
    moved = name.replace(name[4:8], "2019")
    (place / name).rename(place / moved)
    damaged = name.replace(name[4:8], "2018")
    (place / damaged).write_bytes(b"damaged")
    (place / "notes.txt").write_text("mine")
    items = {one["name"]: one for one in ari.json("backup", "list")["items"]}
    assert items.keys() == {"monday.backup", moved, damaged}
    assert not any(one["verified"] for one in items.values())
    assert "with another name" in items["monday.backup"]["problem"]
    assert "isn't what its name says: it is a backup of " in items[moved]["problem"]
    assert items[moved]["time"] == items["monday.backup"]["time"]
    assert "isn't a backup" in items[damaged]["problem"]
    shown = ari("backup", "list")
    assert all(one["problem"] in shown.err for one in items.values())
    assert "monday.backup" in shown.out
    assert "notes.txt" not in shown.out + shown.err


def test_the_list_shows_what_is_unfinished(ari: Ari, place: Path) -> None:
    """A killed backup leaves a file that takes space."""
    assert ari("backup", "list").err == ""
    left = f".ari-ins_{'0' * 26}-job_{'1' * 26}.partial"
    (place / left).write_bytes(b"half")
    assert ari("backup", "list").err.startswith(f"1 backup is unfinished: {left}. ")


def test_a_backup_from_the_future_is_not_the_latest(ari: Ari, place: Path, tmp_path: Path) -> None:
    """Its clock was wrong, or this one is: the list warns, and a restore wants a name."""
    ari.clock.advance(20 * 86_400)
    ari("backup", "now")
    [ahead] = [path.name for path in place.iterdir()]
    assert ari("backup", "list").err == ""
    ari.clock.advance(-20 * 86_400)
    ari("backup", "now")
    assert ari("backup", "list").err.startswith("1 backup is from the future: the clock is wrong now, or was wrong")
    new = _new(ari, tmp_path)
    for words in (("restore", "latest", "--data-dir", new), ("backup", "verify")):
        assert ari.refuse(*words).startswith(f"{ahead} is from the future: ")
    ari("restore", ahead, "--data-dir", new)


def test_commands_leave_a_running_verification_alone(ari: Ari, place: Path) -> None:
    """Its temporary instance is another process's; what a killed one left goes."""
    work = ari.data_dir / "backup.work"
    (work / "ari-trial-killed").mkdir(parents=True)
    (work / "ari-trial-killed" / LOCK).touch()
    ari("backup", "now")
    with hold_folder(work) as running:
        for words in (("backup", "verify"), ("backup", "list"), ("backup", "now"), ("doctor",)):
            ari(*words, check=False)
            assert [path.name for path in work.iterdir()] == [running.name], words


def test_a_place_that_sends_more_than_it_lists(ari: Ari, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A response without an end would fill the disk."""
    ari("backup", "now")
    [name] = [path.name for path in place.iterdir()]
    size = (place / name).stat().st_size
    monkeypatch.setattr(DirectoryTarget, "list_files", lambda _target: [StoredFile(name, size - 1)])
    assert ari.refuse("backup", "verify") == "The backup is longer than its place says."
    assert list((ari.data_dir / "backup.work").iterdir()) == []


def test_fetching_leaves_the_space_of_callers(ari: Ari, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy stops before the disk has less than ARI_MIN_FREE_DISK."""
    ari("backup", "now")
    monkeypatch.setenv("ARI_MIN_FREE_DISK", "1000000GB")
    assert "has less space free than ARI_MIN_FREE_DISK" in ari.refuse("backup", "verify")


def test_without_a_place(ari: Ari) -> None:
    """Each command says which setting is missing."""
    for words in (("backup", "now"), ("backup", "list")):
        assert ari.refuse(*words) == "Scheduled backups are off. Set ARI_BACKUP_TO, or write one with ari backup FILE."
    for words in (("restore", "latest"), ("backup", "verify")):
        assert ari.refuse(*words) == "Set ARI_BACKUP_TO to restore the latest backup, or name a file."


def test_places_that_cannot_hold_backups(ari: Ari, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also through a link: a backup inside the data directory is lost with it."""
    (tmp_path / "link").symlink_to(ari.data_dir)
    cases = {
        str(ari.data_dir): "is in the data directory",
        str(ari.data_dir / "b"): "is in the data directory",
        str(tmp_path / "link" / "b"): "is in the data directory",
        str(tmp_path / "missing"): "there is no directory",
        __file__: "there is no directory",
    }
    for path, words in cases.items():
        monkeypatch.setenv("ARI_BACKUP_TO", path)
        assert words in ari.refuse("backup", "list")


def test_an_empty_place_and_a_missing_file(ari: Ari, place: Path) -> None:
    """Nothing to restore is not an empty instance."""
    assert ari.refuse("restore", "latest", "--force") == f"There is no verified backup in {place}."
    name = f"ari-20270115T080000Z-ins_{'0' * 26}.backup"
    assert ari.refuse("restore", name, "--force") == f"There is no {name} in {place}."
    assert ari.refuse("backup", "verify", "./none") == "Can't read none: No such file or directory."


def test_doctor_sees_late_and_failing_backups(ari: Ari, place: Path) -> None:
    """None yet, a fresh one, one that is older than two periods, and a place that is gone."""

    def check() -> tuple[str, str]:
        found = json.loads(ari("doctor", "--json", check=False).out)["checks"]
        return next((one["state"], one["message"]) for one in found if one["check"] == "backups")

    assert check()[0] == "note"
    ari("backup", "now")
    state, said = check()
    assert state == "ok"
    assert said.startswith("the last verified one is of ")
    ari.clock.advance(2 * 86_400 + 60)
    assert check()[0] == "note"
    shutil.rmtree(place)
    state, said = check()
    assert (state, "there is no directory" in said) == ("wrong", True)


def test_doctor_of_a_restored_instance_names_the_backups_that_are_there(ari: Ari, place: Path, tmp_path: Path) -> None:
    """It wrote none of them itself, before its first start."""
    ari("backup", "now")
    [name] = [path.name for path in place.iterdir()]
    new = _new(ari, tmp_path)
    ari("restore", "latest", "--data-dir", new)
    found = json.loads(ari("doctor", "--json", "--data-dir", new, check=False).out)["checks"]
    [said] = [one["message"] for one in found if one["check"] == "backups"]
    assert said.startswith(f"this instance wrote none to {place} yet. ")
    assert name in said


def test_alone_it_lists_its_commands(ari: Ari) -> None:
    """Not an error about a file that nobody named."""
    ran = ari("backup", check=False)
    assert all(word in ran.out + ran.err for word in ("now", "verify", "list"))
    assert "Missing argument" not in ran.err
