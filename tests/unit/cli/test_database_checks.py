"""The checks of what is in the database: each is made, whatever happens to the others."""

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
