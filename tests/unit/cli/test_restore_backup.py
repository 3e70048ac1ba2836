"""``ari restore``: where it goes, whether a name is that of the content, and the keys it disabled."""

import os
import shutil
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Ari


def _new(ari: Ari, tmp_path: Path) -> str:
    """A data directory for a new instance, with the master key that the old one keeps apart."""
    folder = tmp_path / "new"
    folder.mkdir(mode=0o700)
    shutil.copy2(ari.data_dir / "master.key", folder)
    return str(folder)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for scheduled backups."""
    folder = tmp_path / "backups"
    folder.mkdir()
    monkeypatch.setenv("ARI_BACKUP_TO", str(folder))
    return folder


def test_a_restore_says_where_it_goes(ari: Ari, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder on the command line and a database in the environment, as in production's shell, are two places."""
    ari.create()
    file, new = str(tmp_path / "b"), _new(ari, tmp_path)
    ari("backup", file)
    first = ari("restore", file, "--data-dir", new).out.splitlines()[0]
    assert first.startswith("Restoring the backup of ")
    assert first.endswith(f"into the data directory {new}.")
    assert "ARI_DATABASE_URL isn't set" in ari.refuse("restore", file, "--database", "prod", "--data-dir", new)
    monkeypatch.setenv("ARI_DATABASE_URL", "postgresql://ari:s3cret@127.0.0.1:1/prod")
    refused = ari.refuse("restore", file, "--force", "--data-dir", new)
    assert "this would restore into the database postgresql://***@127.0.0.1:1/prod" in refused
    assert "--database prod" in refused
    assert "names other" in ari.refuse("restore", file, "--force", "--database", "other", "--data-dir", new)
    for words in (("restore", file), ("restore", file, "--database", "prod", "--data-dir", new)):
        said = ari(*words, check=False)  # no server is there
        assert said.out.endswith("into the database postgresql://***@127.0.0.1:1/prod.\n")
        assert "s3cret" not in said.out + said.err


def test_a_name_binds_its_content(ari: Ari, place: Path, tmp_path: Path) -> None:
    """Storage that puts an old signed file under the newest name would bring back keys that were revoked since."""
    ari("backup", "now")
    [old] = [path.name for path in place.iterdir()]
    ari.clock.advance(3600)
    ari("backup", "now")
    [new] = [path.name for path in place.iterdir() if path.name != old]
    shutil.copy2(place / old, place / new)
    folder = _new(ari, tmp_path)
    for words in (("restore", "latest", "--data-dir", folder), ("restore", new, "--data-dir", folder)):
        assert f"{new} isn't what its name says: it is a backup of {old[4:20]} by ins_" in ari.refuse(*words)
    assert "isn't what its name says" in ari.refuse("backup", "verify")
    warned = ari("restore", str(place / new), "--data-dir", folder)
    assert "isn't what its name says" in warned.err
    assert warned.out.startswith("Restoring the backup of ")


def test_restored_keys_are_enabled_together(ari: Ari, tmp_path: Path) -> None:
    """After a question, with an event for each; not those that were disabled before, or that someone looked at."""
    names = "works", "off before", "revoked", "enabled and disabled", "gone", "off since"
    keys = {name: ari.create(name)[0]["id"] for name in names}
    ari("keys", "disable", keys["off before"])
    keys["tagged"] = ari.create("tagged", "--tag", "bad")[0]["id"]
    file, new = str(tmp_path / "ari.backup"), ("--data-dir", _new(ari, tmp_path))
    ari("backup", file)
    assert "ari keys enable-restored" in ari("restore", file, *new).out
    ari.clock.advance(1)
    ari("keys", "revoke", keys["revoked"], "--yes", *new)
    ari("keys", "enable", keys["enabled and disabled"], *new)
    ari("keys", "disable", keys["enabled and disabled"], *new)
    ari("keys", "disable", keys["off since"], *new)
    assert ari("keys", "disable", "--tag", "bad", "--yes", *new).out == "Disabled 1 key.\n"
    assert ari.json("events", *new)["items"][0]["subject"] == keys["tagged"]
    ari("keys", "revoke", keys["gone"], "--yes", *new)
    ari("keys", "delete", keys["gone"], "--yes", *new)
    asked = ari("keys", "enable-restored", *new, check=False)
    assert asked.code == 1
    assert "Enable 1 key " in asked.err
    assert ari("keys", "enable-restored", "--yes", *new).out == "Enabled 1 key.\n"
    shown = {key["name"]: key["status"] for key in ari.json("keys", "list", *new)["items"]}
    assert shown == {
        "works": "active",
        "off before": "disabled",
        "revoked": "revoked",
        "enabled and disabled": "disabled",
        "off since": "disabled",
        "tagged": "disabled",
    }
    assert ari.json("events", *new)["items"][0]["subject"] == keys["works"]
    assert "no key" in ari("keys", "enable-restored", *new).out


def test_only_a_regular_file_is_restored(ari: Ari, tmp_path: Path) -> None:
    """A pipe would be waited for, and can't be read twice."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for words in (("restore", "--force"), ("backup", "verify")):
        for path in (pipe, Path("/dev/zero")):
            assert ari.refuse(*words, str(path)) == f"Can't read {path}: it isn't a regular file."


def test_keys_that_an_earlier_restore_disabled_are_named(ari: Ari, tmp_path: Path) -> None:
    """They wait for a review in the new instance too."""
    ari.create("first")
    first, second, new = str(tmp_path / "first"), str(tmp_path / "second"), _new(ari, tmp_path)
    ari("backup", first)
    ari("restore", first, "--data-dir", new)
    ari("backup", second, "--data-dir", new)
    said = ari("restore", second, "--force", "--data-dir", new).out
    assert "1 key waits since an earlier restore that disabled it." in said
    assert "ari keys enable-restored" in said
    assert ari("keys", "enable-restored", "--yes", "--data-dir", new).out == "Enabled 1 key.\n"


def test_a_filled_instance_needs_force(ari: Ari, tmp_path: Path) -> None:
    """The sentence says what --force would do."""
    ari.create()
    ari("backup", str(tmp_path / "b"))
    refused = ari("restore", str(tmp_path / "b"), check=False)
    assert refused.code == 1
    assert "isn't empty. Use --force to overwrite it." in refused.err
    ari("restore", str(tmp_path / "b"), "--force")


def test_doctor_says_that_restored_keys_wait(ari: Ari, tmp_path: Path) -> None:
    """In one line, with what to do, until they are enabled."""
    ari.create("first")
    ari.create("second")
    file, new = str(tmp_path / "b"), _new(ari, tmp_path)
    ari("backup", file)
    ari("restore", file, "--data-dir", new)
    for words in ((), ("--verbose",)):
        [line] = [
            one
            for one in ari("doctor", *words, "--data-dir", new, check=False).out.splitlines()
            if "restored keys" in one
        ]
        assert "2 keys wait since a restore" in line
        assert "ari keys enable-restored" in line
    ari("keys", "enable-restored", "--yes", "--data-dir", new)
    assert "since a restore" not in ari("doctor", "--data-dir", new, check=False).out
