"""The checks of what is in the database: each is made, whatever happens to the others."""

import json
import sqlite3
from contextlib import closing

import pytest

from ari.base.errors import Unavailable
from ari.base.settings import load_settings
from ari.cli.database_checks import check_database
from ari.storage import checkup
from ari.storage.engine import Database
from ari.storage.transaction import Transaction
from tests.unit.cli.conftest import Ari

CHECKS = ("try_writing", "try_verifying", "damage", "log_file", "clock_steps", "clickhouse")


@pytest.mark.parametrize("broken", [*CHECKS, "uneven_sums", "check_audit_log"])
@pytest.mark.parametrize("error", [Unavailable("The database is busy."), RuntimeError("a defect")])
def test_one_that_fails_hides_no_other(
    ari: Ari, monkeypatch: pytest.MonkeyPatch, broken: str, error: Exception
) -> None:
    """It is wrong itself, and as many checks are listed as usual."""
    settings = load_settings(data_dir=ari.data_dir)
    database = Database.open(settings)

    def fail(*_: object) -> None:
        raise error

    try:
        usual = check_database(database, settings, audit=True)
        monkeypatch.setattr(checkup, broken, fail)
        found = check_database(database, settings, audit=True)
    finally:
        database.close()
    assert all(one.state != "wrong" for one in usual), usual
    assert [one.state for one in found].count("wrong") == 1
    assert {one.check for one in usual} <= {one.check for one in found}


@pytest.mark.parametrize(
    ("name", "table"), [("ari.db", "audit_marks"), ("ari.db", "backup_codes"), ("usage-staging.db", "usage_staging")]
)
def test_a_missing_table_is_named(name: str, table: str, ari: Ari) -> None:
    """It could be found much later: by the first change, or the first sign-in."""
    ari.create("first")
    with closing(sqlite3.connect(ari.data_dir / name)) as connection, connection:
        connection.execute(f"DROP TABLE {table}")
    found = json.loads(ari("doctor", "--json", check=False).out)["checks"]
    [wrong] = [one for one in found if one["state"] == "wrong"]
    assert wrong["message"].startswith(f"1 table is missing: {table}. ")
    if table == "audit_marks":
        refused = ari.refuse("keys", "create", "second")
        assert refused.startswith("The database lacks a table that ARI needs. Nothing was changed. ")


def test_copies_without_the_staging_file_can_be_used(ari: Ari) -> None:
    """It is made when the instance is opened, and never left empty."""
    ari.create("first")
    staging = ari.data_dir / "usage-staging.db"
    for words in (("keys", "list"), ("doctor", "--audit")):
        for path in ari.data_dir.glob("usage-staging.db*"):
            path.unlink()
        assert ari(*words).code == 0
        assert staging.stat().st_size
    for path in ari.data_dir.glob("usage-staging.db*"):
        path.unlink()
    staging.touch()
    ari.create("second")


def test_a_folder_for_the_head_is_named(ari: Ari) -> None:
    """No head is kept there, so an older copy of the database would go unnoticed."""
    ari.create("first")
    (ari.data_dir / "audit.head").unlink()
    (ari.data_dir / "audit.head").mkdir()
    found = json.loads(ari("doctor", "--audit", "--json", check=False).out)["checks"]
    [wrong] = [one for one in found if one["state"] == "wrong"]
    assert wrong["check"] == "audit log head"
    assert "audit.head isn't a regular file. Move it away." in wrong["message"]


def test_what_cannot_be_read_is_said_once(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks that need it are named, and the others made."""
    settings = load_settings(data_dir=ari.data_dir)
    database = Database.open(settings)

    def fail(_tx: Transaction) -> None:
        raise Unavailable("The accounts can't be read.")

    monkeypatch.setattr(Transaction, "accounts", property(fail))
    monkeypatch.setattr(Transaction, "sealed", property(fail))
    try:
        found = {one.check: one for one in check_database(database, settings, audit=False)}
    finally:
        database.close()
    assert found["owner"].message == "The accounts can't be read."
    assert found["not checked"].message == "encrypted secrets: for the same reason"
    assert {"integrations", "webhooks", "usage log", "backups", "clock steps"} <= found.keys()
