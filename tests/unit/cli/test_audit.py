"""``ari audit``: the head to keep elsewhere, comparing it, shortening the audit log, and signing it after a look."""

import json
import sqlite3

import pytest

from ari.base.master_key import MasterKeys
from tests.unit.cli.conftest import Ari


def _audit(ari: Ari) -> dict[str, str]:
    checks = json.loads(ari("doctor", "--audit", "--json", check=False).out)["checks"]
    return next(one for one in checks if one["check"] == "audit log")


def test_a_head_that_was_kept_is_found_again(ari: Ari) -> None:
    """As long as the audit log goes on from it; another hash or an unknown event fails."""
    assert "no signed head yet" in ari.refuse("audit", "head")
    ari.create()
    kept = ari.json("audit", "head")
    assert kept["events"] == 1
    assert len(kept["signing_key"]) == 16
    assert kept["event"] in ari("audit", "head").out
    ari.create("later")
    assert "Nothing up to this event was changed" in ari("audit", "check", kept["event"], kept["hash"]).out
    assert "has a different hash" in ari.refuse("audit", "check", kept["event"], "0" * 64)
    assert "isn't in the audit log" in ari.refuse("audit", "check", "evt_none", kept["hash"])


def test_pruning_asks_and_leaves_a_trail_that_is_whole(ari: Ari) -> None:
    """Nobody at the terminal: nothing is removed. Seven days at least are kept."""
    ari.create()
    kept = ari.json("audit", "head")
    ari.clock.advance(100 * 86_400)
    ari.create("new")
    assert "Pass --yes to confirm" in ari.refuse("audit", "prune", "--days", "30")
    assert ari("audit", "prune", "--days", "6", "--yes", check=False).code == 2
    assert ari("audit", "prune", "--days", "30", "--yes").out == "Removed 1 event.\n"
    assert ari("audit", "prune", "--days", "30", "--yes").out == "No events are that old.\n"
    found = _audit(ari)
    assert found["state"] == "ok"
    assert "retention removed 1 earlier event, up to a signed cut" in found["message"]
    assert "Nothing up to this event" in ari("audit", "check", kept["event"], kept["hash"]).out


def test_accepting_is_deliberate_and_recorded(ari: Ari) -> None:
    """After a look; an audit log that is fine is not signed again, and one with a broken chain never."""
    for name in ("a", "b", "c"):
        ari.create(name)
    assert ari("audit", "accept", "--yes").out == "The audit log matches its signature. Nothing to accept.\n"
    with sqlite3.connect(ari.data_dir / "ari.db") as connection:
        connection.execute("DROP TRIGGER events_no_delete")
        connection.execute("DELETE FROM events WHERE seq = 3")
    connection.close()
    assert "went back in time" in ari.refuse("audit", "accept")
    ari("database", "accept", "--yes")
    assert _audit(ari)["state"] == "wrong"
    assert "Pass --yes to confirm" in ari.refuse("audit", "accept")
    assert "Signed 4 events" in ari("audit", "accept", "--yes").out
    found = _audit(ari)
    assert found["state"] == "note"
    assert "the first 4 were signed later, not when written" in found["message"]
    event = ari.json("events")["items"][0]
    assert event["name"] == "audit_accepted"
    assert "events were rewritten or removed" in event["detail"]["because"]
    with sqlite3.connect(ari.data_dir / "ari.db") as connection:
        connection.execute("DELETE FROM events WHERE seq = 1")
    connection.close()
    assert "which a signature can't fix" in ari.refuse("audit", "accept", "--yes")


def test_retention_is_a_setting(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """0 keeps everything; less than a week is refused with the reason."""
    monkeypatch.setenv("ARI_EVENT_RETENTION_DAYS", "3")
    assert "must be at least 7 days, or 0 to keep everything" in ari.refuse("events")


def test_no_second_master_key_is_made(ari: Ari) -> None:
    """A command without the service's key would sign with its own, and hide that the right one is missing."""
    ari.create("first")
    key = MasterKeys(ari.data_dir).own_file
    kept = key.read_bytes()
    key.unlink()
    for words in (("audit", "accept", "--yes"), ("integrations", "set", "openai")):
        ran = ari(*words, check=False, stdin="sk-proj-0123456789abcdef0123456789\n")
        assert (ran.code, "The master key that signed the audit log is missing" in ran.err) == (1, True), ran
        assert not key.exists()
    key.write_bytes(kept)
    ari.create("second")
