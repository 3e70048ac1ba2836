"""``ari database``: what is missing is listed, and accepted only by somebody who says so."""

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Ari


@pytest.fixture
def lost_key(ari: Ari) -> str:
    """The id of a key whose revoke is missing from the keys file."""
    key, _ = ari.create()
    file = ari.data_dir / "ari.db"
    _empty_log(file)
    before = file.read_bytes()
    ari("keys", "revoke", key["id"], "--yes")
    _empty_log(file)
    file.write_bytes(before)
    return str(key["id"])


def _empty_log(file: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def test_nothing_is_missing(ari: Ari) -> None:
    """Before the first event, and after it."""
    for _ in range(2):
        assert ari.json("database", "status")["trusted"]
        assert "Nothing to accept" in ari("database", "accept", "--yes").out
        ari.create()


def test_what_is_missing_is_listed(ari: Ari, lost_key: str) -> None:
    """For people and for machines; every other command names the one that helps."""
    shown = ari("database", "status", check=False)
    assert shown.code == 1
    assert f"Lost: key_revoked {lost_key}" in shown.out
    ran = ari("database", "status", "--json", check=False)
    assert ran.code == 1
    assert f'"subject": "{lost_key}"' in ran.out
    assert "ari database status" in ari.refuse("keys", "list").splitlines()[-1]
    report = ari("doctor", check=False)
    assert report.code == 1
    assert "went back in time" in report.out


def test_accepting_is_asked_and_covers_everything(ari: Ari, lost_key: str) -> None:
    """Without a terminal it is refused; the event names the loss."""
    refused = ari("database", "accept", check=False)
    assert (refused.code, "--yes" in refused.err) == (1, True)
    assert ari("keys", "list", check=False).code == 1
    assert "Accepted" in ari("database", "accept", "--yes").out
    assert ari.json("keys", "show", lost_key)["status"] == "active"
    [event] = [one for one in ari.json("events")["items"] if one["name"] == "database_accepted"]
    assert len(event["detail"]["lost"]) == 1
    assert event["actor"].startswith("cli:")
    assert ari.json("database", "status")["trusted"]
    assert "hash chain intact" in ari("doctor", "--audit").out


def test_required_needs_postgresql(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """A promise that SQLite cannot keep is refused at the start."""
    monkeypatch.setenv("ARI_DATABASE_SYNC", "required")
    assert "needs PostgreSQL" in ari.refuse("keys", "list")
