"""``ari master-key``: rotation."""

import json
import stat
from pathlib import Path

import pytest

from ari.deps import Deps
from ari.jobs.scheduled_backup import is_due
from tests.unit.cli.conftest import Ari
from tests.unit.cli.owner import with_two_factor


def test_replacing_the_master_key(owned_ari: Ari) -> None:
    """Everything opens with the new one, the old one is forgotten, and doctor agrees; without secrets there is none."""
    assert "no master key to rotate" in owned_ari.refuse("master-key", "rotate")
    with_two_factor(owned_ari)
    file = owned_ari.data_dir / "master.key"
    before = file.read_text()
    assert "Encrypted 1 secret with master key" in owned_ari("master-key", "rotate", "--yes").out
    assert file.read_text() != before
    assert len(file.read_text().split()) == 1
    checks = {one["check"]: one for one in owned_ari.json("doctor")["checks"]}
    assert checks["encrypted secrets"]["state"] == "ok"
    assert owned_ari.json("events")["items"][0]["name"] == "master_key_rotated"
    file.write_text(before)
    checks = {one["check"]: one for one in json.loads(owned_ari("doctor", "--json", check=False).out)["checks"]}
    assert checks["encrypted secrets"]["state"] == "wrong"
    assert "two-factor secret of usr_1" in checks["encrypted secrets"]["message"]


def test_a_backup_survives_a_rotation(ari: Ari, tmp_path: Path) -> None:
    """The old key is kept next to the new one, and the refusal names it and the command that adds it."""
    ari.create("Shop")
    backup, master = str(tmp_path / "ari.backup"), ari.data_dir / "master.key"
    ari("backup", backup)
    old = master.read_text()
    said = ari("master-key", "rotate", "--yes").out
    [kept] = ari.data_dir.glob("master.key.*")
    assert kept.read_text() == old
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert f"The old key is kept in {kept}." in said
    assert "Existing backups need the old key. Make a new one now: ari backup FILE" in said
    for words in (("backup", "verify", backup), ("restore", backup, "--force")):
        refused = ari.refuse(*words)
        assert f"This backup belongs to an earlier master key, which is kept in {kept}." in refused
        assert refused.endswith(f"add that key: cat {kept} >> {master}")
    with master.open("a") as file:
        file.write(kept.read_text())
    assert "can be restored" in ari("backup", "verify", backup).out
    ari("restore", backup, "--force", "--trust-keys")
    assert [one["name"] for one in ari.json("keys", "list")["items"]] == ["Shop"]


def test_an_exposed_key_isn_t_kept(ari: Ari, tmp_path: Path) -> None:
    """Then no file has it, and existing backups are refused."""
    ari.create("Shop")
    ari("backup", str(tmp_path / "ari.backup"))
    said = ari("master-key", "rotate", "--discard-old", "--yes").out
    assert not list(ari.data_dir.glob("master.key.*"))
    assert "Existing backups can't be restored anymore. Make a new one now: ari backup FILE" in said
    assert "a different instance or master key signed it" in ari.refuse(
        "backup", "verify", str(tmp_path / "ari.backup")
    )


def test_a_rotation_wants_a_scheduled_backup(ari: Ari, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until one is written, doctor says that the last verified one needs the earlier key."""
    ari.create("Shop")
    (tmp_path / "backups").mkdir()
    monkeypatch.setenv("ARI_BACKUP_TO", str(tmp_path / "backups"))

    def check() -> tuple[str, bool]:
        found = json.loads(ari("doctor", "--json", check=False).out)["checks"]
        [state] = [one["state"] for one in found if one["check"] == "backups"]
        instance = ari.instance()
        try:
            return state, is_due(Deps(instance))
        finally:
            instance.close()

    ari("backup", "now")
    assert check() == ("ok", False)
    ari.clock.advance(60)
    assert "ari backup now" in ari("master-key", "rotate", "--yes").out
    assert check() == ("note", True)
    assert "earlier master key" in ari("doctor", check=False).out
    ari.clock.advance(60)
    ari("backup", "now")
    assert check() == ("ok", False)
