"""The checks of ``ari doctor``: each names what is wrong and what to do."""

import json
import re
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from ari.accounts.model import Account
from ari.cli import checks
from ari.cli.check_areas import AREAS
from ari.cli.checks import mask_url
from ari.deps import Deps
from ari.jobs import record_steps
from ari.storage.migrate import LOG
from ari.usage.fold_loop import HURRY_ROWS
from ari.usage.ports import Batch
from tests.support.backlog import stage_backlog
from tests.support.usage import make_row
from tests.unit.cli.conftest import Ari


def _checks(ari: Ari, *words: str, code: int = 0) -> dict[str, tuple[str, str]]:

    ran = ari("doctor", "--json", *words, check=False)
    assert ran.code == code, ran
    report = json.loads(ran.out)
    assert report["ok"] == (code == 0)
    return {one["check"]: (one["state"], one["message"]) for one in report["checks"]}


def test_a_healthy_instance_is_a_line_for_each_area(ari: Ari) -> None:
    """Details are for --verbose; settings that nobody set are left out."""
    Deps(instance := ari.instance()).do_sync(
        lambda tx: tx.accounts.add_owner(Account("usr_1", "o@example.com", "h", 1))
    )
    instance.close()
    short, long = ari("doctor").out, ari("doctor", "--verbose").out
    assert [line.split("\t")[0].split(maxsplit=2)[2] for line in short.splitlines() if "✓ ok" in line] == [
        "storage",
        "owner",
        "provider keys",
        "email",
        "webhooks",
        "usage log",
        "backups",
    ]
    assert ("ARI_WORKERS" in short, "ARI_WORKERS" in long) == (False, True)
    assert ("migrations" in short, "migrations" in long) == (False, True)
    assert "! note  clock\t" in short  # the one of these tests
    assert "1 check to look at" in short


def test_what_is_not_well_is_named_with_its_check(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the line of its area, and the settings that were set are there."""
    monkeypatch.setenv("ARI_MIN_FREE_DISK", "900TB")
    monkeypatch.setenv("ARI_PUBLIC_URL", "http://ari.example.net")
    ran = ari("doctor", check=False)
    assert ran.code == 1
    assert "✗ error disk\t" in ran.out
    assert "! note  public URL\t" in ran.out
    assert "storage" not in ran.out
    assert "ARI_PUBLIC_URL\thttp://ari.example.net" in ran.out


def test_every_check_has_an_area() -> None:
    """A check without one would be missing from the short report."""
    source = "".join(path.read_text() for path in Path(checks.__file__).parent.glob("*check*.py"))
    named = {
        *re.findall(r'(?:Finding|_try)\(\s*"([^"]+)"', source),
        *re.findall(r'_?(?:check|CHECK)\b[^=\n]* = "([^"]+)"', source),
        *re.findall(r'"([^"]+)", lambda', source),
    }
    listed = {check for area in AREAS.values() for check in area}
    assert len(named) > 20
    assert named <= listed
    assert {"audit log to file", "audit log to syslog"} <= listed


def test_a_directory_without_an_instance(ari: Ari, tmp_path: Path) -> None:
    """Doctor says what is missing and makes nothing."""
    missing = tmp_path / "missing"
    found = _checks(ari, "--data-dir", str(missing), code=1)
    assert found["data directory"][0] == "wrong"
    assert found["not checked"] == ("note", "everything in the database: fix the data directory first")
    assert not missing.exists()


def test_files_that_others_can_read(ari: Ari) -> None:
    """A loosened file is named."""
    (ari.data_dir / "ari.db").chmod(0o644)
    state, said = _checks(ari, code=1)["data directory"]
    assert state == "wrong"
    assert "ari.db" in said
    assert "owner" in _checks(ari, code=1)  # the rest is checked


def test_a_directory_that_others_can_read(ari: Ari) -> None:
    """A loosened directory is wrong, with the way to mend it."""
    ari.data_dir.chmod(0o755)
    state, said = _checks(ari, code=1)["data directory"]
    assert (state, "chmod 700" in said) == ("wrong", True)
    ari.data_dir.chmod(0o700)


def test_an_older_database(ari: Ari) -> None:
    """A database before this version's migrations is wrong and says what to run."""
    with sqlite3.connect(ari.data_dir / "usage.db") as connection:
        connection.execute("DELETE FROM ari_log_version")
    found = _checks(ari, code=1)
    assert found["migrations"] == ("wrong", f"log none, but this version needs {LOG.revisions[-1]}. Run: ari migrate")
    assert found["not checked"] == ("note", "everything else in the database: fix the errors above first")


def test_a_damaged_file(ari: Ari) -> None:
    """Damage is found and named, without a traceback."""
    ari.create()
    with (ari.data_dir / "ari.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)
    found = _checks(ari, code=1)
    damaged = {name for name, (state, said) in found.items() if state == "wrong" and "damaged" in said}
    assert damaged == {"database"}, found


def test_a_missing_database_server(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be reached is wrong; the password stays unsaid."""
    monkeypatch.setenv("ARI_DATABASE_URL", "postgresql://ari:hunter2secret@127.0.0.1:1/ari")
    ran = ari("doctor", check=False)
    assert ran.code == 1
    assert "✗ error" in ran.out
    assert "everything in the database: it can't be opened" in ran.out
    assert "hunter2secret" not in ran.out + ran.err


def test_too_little_disk(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below ARI_MIN_FREE_DISK doctor says what that changes."""
    monkeypatch.setenv("ARI_MIN_FREE_DISK", "900TB")
    assert _checks(ari, code=1)["disk"][0] == "wrong"


def test_too_few_open_files(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """security.md 23: slow clients hold a file each, so a low limit is reported with the way to raise it."""
    monkeypatch.setattr("ari.cli.checks.reachable_files", lambda: 1_024)
    state, said = _checks(ari)["open-file limit"]
    assert (state, said[:5]) == ("note", "1024.")
    assert "LimitNOFILE" in said


def test_clock_steps_are_reported(ari: Ari) -> None:
    """A clock that was set shows, with when."""
    instance = ari.instance()
    Deps(instance).do_sync(record_steps, [3_600_000])
    instance.close()
    state, said = _checks(ari)["clock steps"]
    assert (state, said[:2]) == ("note", "1 ")


def test_plain_http_beyond_this_machine_is_noted(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that sends keys in the clear is named."""
    monkeypatch.setenv("ARI_PUBLIC_URL", "http://ari.example.net")
    assert "sent unencrypted" in _checks(ari)["public URL"][1]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "postgresql://ari:secret@db.example.net:5432/ari?sslmode=require&password=x",
            "postgresql://***@db.example.net:5432/ari",
        ),
        ("postgresql:///ari?host=/run&user=ari&password=secret", "postgresql://***@/ari"),
        ("postgresql://u:p@[bad/ari", "set"),
        ("postgresql://u:p@host:port/ari", "set"),
    ],
)
def test_the_database_url_is_masked(url: str, shown: str) -> None:
    """Where, never who or with what."""
    assert mask_url(url) == shown


@pytest.mark.parametrize("table", ["usage_hours", "usage_days", "usage_all_hours"])
def test_sums_that_do_not_agree_are_wrong(ari: Ari, table: str) -> None:
    """Whichever rollup was changed by somebody is named."""
    instance = ari.instance()
    instance.database.usage.commit(
        Batch([make_row(instance.now_ms()), make_row(instance.now_ms(), code="expired", count=7)])
    )
    assert _checks(ari, "--audit")["usage sums"] == ("ok", "totals and rollups agree")
    with instance.database.log.begin() as connection:
        connection.execute(text(f"DELETE FROM {table}"))
    assert _checks(ari, "--audit", code=1)["usage sums"][0] == "wrong"
    instance.close()


def test_the_usage_log(ari: Ari) -> None:
    """Since when there are rows and how long they are kept; where old ones wait, or the file cannot shrink, a note."""
    assert _checks(ari)["usage log"] == ("ok", "no requests yet (kept for 90 days)")
    instance = ari.instance()
    instance.database.usage.commit(Batch([make_row(instance.now_ms())]))
    assert _checks(ari)["usage log"][0] == "ok"
    ari.clock.advance(93 * 86_400)
    assert "removes the older ones" in _checks(ari)["usage log"][1]
    instance.close()
    connection = sqlite3.connect(ari.data_dir / "usage.db")
    for statement in ("journal_mode=DELETE", "auto_vacuum=NONE"):
        connection.execute(f"PRAGMA {statement}")
    connection.execute("VACUUM")
    connection.close()
    assert _checks(ari)["usage log"][0] == "note"


def test_variables_that_are_no_settings_are_named(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """Misspelled ones with what was meant; Kubernetes' own as such. Neither fails the examination."""

    def check_keys() -> tuple[str, str]:
        [one] = [one for one in ari.json("doctor")["checks"] if one["check"] == "variables"]
        return one["state"], one["message"]

    ari.create()
    assert check_keys() == ("ok", "every ARI_… variable is a known setting")
    monkeypatch.setenv("ARI_PUBLICURL", "https://hunter2.example")
    monkeypatch.setenv("ARI_PORT", "tcp://10.0.0.1:3000")
    state, said = check_keys()
    assert state == "note"
    assert "ARI_PUBLICURL isn't an ARI setting and has no effect. Did you mean ARI_PUBLIC_URL?" in said
    assert "Ignored variables that Kubernetes set for a Service: ARI_PORT." in said
    assert "hunter2" not in said


def test_a_backlog_that_a_running_server_leaves_is_wrong(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folding fails again and again, or is too slow. Without a server it is no error."""
    monkeypatch.setattr("ari.storage.usage.store.UsageTables.catch_up", lambda _: False)
    instance = ari.instance()
    stage_backlog(instance, count=3)
    ari.clock.advance(11 * 60)
    assert _checks(ari)["usage backlog"][0] == "ok"
    assert instance.database.usage.acquire_lead()
    state, said = _checks(ari, code=1)["usage backlog"]
    assert (state, "3 logged requests to count" in said, "can't be folded" in said) == ("wrong", True, True)
    instance.close()


def test_a_large_backlog_is_a_note(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the number and the age, and what changes it: a server where none runs; callers that are slowed."""
    assert _checks(ari)["usage backlog"] == ("ok", "every logged request is counted")
    instance = ari.instance()
    stage_backlog(instance, count=HURRY_ROWS + 1)
    state, said = _checks(ari)["usage backlog"]
    assert (state, said.split(" to count")[0]) == ("note", "50,001 logged requests")
    assert "1 minute ago" in said
    assert said.endswith("ari serve counts them while it runs.")
    assert instance.database.usage.acquire_lead()
    assert _checks(ari)["usage backlog"][0] == "ok"
    monkeypatch.setenv("ARI_USAGE_BACKLOG_ROWS", "50000")
    state, said = _checks(ari)["usage backlog"]
    assert (state, "Requests are slowed" in said) == ("note", True)
    instance.close()


def test_requests_that_cannot_be_counted_are_named(ari: Ari) -> None:
    """With what to do; without any, there is no line."""
    assert "set aside" not in _checks(ari)
    instance = ari.instance()
    stage_backlog(instance, count=1)
    with instance.database.folder.staging.begin() as connection:
        connection.execute(text("UPDATE usage_staging SET at_ms = NULL"))
    instance.database.usage.fold_all()
    state, said = _checks(ari, code=1)["set aside"]
    assert (state, said.startswith("1 logged request can't be counted.")) == ("wrong", True)
    assert "AriRowsSetAside" in said
    instance.close()
