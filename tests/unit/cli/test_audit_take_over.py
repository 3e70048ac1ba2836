"""``ari audit take-over``, and what commands say about the copies of the instance before a restore."""

import fcntl
import shutil
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Ari


@pytest.fixture
def restored(ari: Ari, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The option for an instance that was restored from a backup of ``ari``; both have the same ARI_AUDIT_FILE."""
    ari.create("first")
    ari("audit", "export", str(tmp_path / "audit.jsonl"))
    backup, new = tmp_path / "ari.backup", tmp_path / "new"
    ari("backup", str(backup))
    new.mkdir(mode=0o700)
    shutil.copy(ari.data_dir / "master.key", new)
    ari("restore", str(backup), "--data-dir", str(new))
    monkeypatch.setenv("ARI_AUDIT_FILE", str(tmp_path / "audit.jsonl"))
    return "--data-dir", str(new)


def test_an_export_of_the_original_is_not_continued(ari: Ari, tmp_path: Path, restored: tuple[str, ...]) -> None:
    """Unless the command names the restore; a file that this instance began is continued."""
    file = tmp_path / "audit.jsonl"
    before = file.read_bytes()
    lineage = ari.json("audit", "head", *restored)["history"]
    assert f"with the history {lineage}" in ari.refuse("audit", "export", str(file), *restored)
    assert file.read_bytes() == before
    own = tmp_path / "own.jsonl"
    for _ in range(2):
        ari("audit", "export", str(own), *restored)
        ari("audit", "verify", str(own))
    ari("audit", "export", str(file), "--history", lineage, *restored)
    ari("audit", "verify", str(file))


def test_a_long_log_is_exported_from_its_start(
    ari: Ari, tmp_path: Path, restored: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pages end before the restore."""
    monkeypatch.setattr("ari.cli.audit_copy.EVENTS_AT_ONCE", 1)
    own = tmp_path / "own.jsonl"
    ari("audit", "export", str(own), *restored)
    assert ari.json("audit", "verify", str(own))["unproven"][0].startswith("The signing key")


def test_the_copies_are_taken_over(ari: Ari, tmp_path: Path, restored: tuple[str, ...]) -> None:
    """A file with events that the restored log lacks is moved away. The doctor is content then."""
    file = tmp_path / "audit.jsonl"
    assert "wasn't restored" in ari.refuse("audit", "take-over", "--yes")
    ari.create("after the backup")
    ari("audit", "export", str(file))

    def look() -> str:
        return ari("doctor", "--json", *restored, check=False).out

    assert "ari audit take-over" in look()
    assert "isn't a terminal" in ari("audit", "take-over", *restored, check=False).err
    assert file.exists()
    moved = ari("audit", "take-over", "--yes", *restored).out
    assert f"Moved {file} to {file}.before-res_" in moved
    assert not file.exists()
    assert "ari audit take-over" not in look()
    assert ari.json("events", *restored)["items"][0]["name"] == "audit_copies_taken_over"


def test_a_file_that_is_written_is_not_taken_over(ari: Ari, tmp_path: Path, restored: tuple[str, ...]) -> None:
    """Its original runs on this machine."""
    with (tmp_path / "audit.jsonl").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "Another process is writing" in ari.refuse("audit", "take-over", "--yes", *restored)
