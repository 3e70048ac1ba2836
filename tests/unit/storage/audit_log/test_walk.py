"""A walk over the audit log: it finds what was changed, and says whether it is signed."""

import pytest
from sqlalchemy import Connection

from ari.base.master_key import MasterKeys
from ari.instance import Instance
from ari.storage.audit_log.walk import AuditLogCheck, examine
from tests.support.audit_log import create, rechain, unlocked

KEY = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"


@pytest.fixture
def audit_log(instance: Instance) -> Instance:
    """With three events."""
    for name in ("a", "b", "c"):
        create(instance, name)
    return instance


def _walk(instance: Instance, keys: MasterKeys | None = None) -> AuditLogCheck:
    with instance.database.main.connect() as connection:
        return examine(connection, keys or instance.database.master_keys, instance.database.witness.read())


def _cut_off_the_last(connection: Connection) -> None:
    connection.exec_driver_sql("DELETE FROM events WHERE seq = 3")


def _rewrite(connection: Connection) -> None:
    connection.exec_driver_sql("UPDATE events SET actor = 'nobody' WHERE seq = 2")
    rechain(connection)


def _remove_the_head(connection: Connection) -> None:
    connection.exec_driver_sql("DELETE FROM audit_marks WHERE name = 'head'")


def _change_the_head(connection: Connection) -> None:
    connection.exec_driver_sql("UPDATE audit_marks SET statement = replace(statement, ':3', ':2')")


def test_an_untouched_audit_log_is_whole(audit_log: Instance) -> None:
    """Every event was looked at, and the signed head is the last one."""
    found = _walk(audit_log)
    assert found.is_whole
    assert (found.walked, found.removed) == (3, 0)
    assert found.head is not None
    assert found.head.position == 3


def test_the_newest_events_can_be_walked_alone(audit_log: Instance) -> None:
    """Older ones are trusted, but counted: the log can't lose an event unnoticed."""
    keys, witness = audit_log.database.master_keys, audit_log.database.witness.read()
    with audit_log.database.main.connect() as connection:
        found = [examine(connection, keys, witness, newest) for newest in (2, 3, 4)]
    assert [(one.walked, one.skipped, one.is_whole) for one in found] == [(2, 1, True), (3, 0, True), (3, 0, True)]
    with unlocked(audit_log) as connection:
        connection.exec_driver_sql("UPDATE events SET actor = 'nobody' WHERE seq = 1")
    with audit_log.database.main.connect() as connection:
        assert examine(connection, keys, witness, 2).is_whole
        assert examine(connection, keys, witness, 3).broken is not None
    with unlocked(audit_log) as connection:
        connection.exec_driver_sql("DELETE FROM events WHERE seq = 1")
    with audit_log.database.main.connect() as connection:
        assert "which is missing" in str(examine(connection, keys, witness, 1).fault)


def test_a_change_among_the_newest_events_is_found(audit_log: Instance) -> None:
    """Edited, cut off, or not signed."""
    keys, witness = audit_log.database.master_keys, audit_log.database.witness.read()
    with unlocked(audit_log) as connection:
        connection.exec_driver_sql("UPDATE events SET actor = 'nobody' WHERE seq = 3")
    with audit_log.database.main.connect() as connection:
        broken = examine(connection, keys, witness, 1).broken
        assert broken is not None
        assert broken.position == 3
    with unlocked(audit_log) as connection:
        connection.exec_driver_sql("DELETE FROM events WHERE seq = 3")
    with audit_log.database.main.connect() as connection:
        assert examine(connection, keys, witness, 1).fault is not None


def test_a_head_older_than_the_newest_events_is_a_fault(audit_log: Instance) -> None:
    """Events after the signed head were not written by ARI, however many there are."""
    with audit_log.database.main.connect() as connection:
        statement = connection.exec_driver_sql("SELECT statement, signature FROM audit_marks").one()
    for name in ("d", "e", "f"):
        create(audit_log, name)
    with unlocked(audit_log) as connection:
        connection.exec_driver_sql("UPDATE audit_marks SET statement = ?, signature = ?", tuple(statement))
    with audit_log.database.main.connect() as connection:
        fault = examine(connection, audit_log.database.master_keys, None, 2).fault
    assert fault is not None
    assert fault.startswith("3 events aren't signed")


def test_the_first_changed_event_is_named(audit_log: Instance) -> None:
    """With its place, so that an operator knows from where on nothing is certain."""
    with unlocked(audit_log) as connection:
        connection.exec_driver_sql("UPDATE events SET actor = 'nobody' WHERE seq >= 2")
    found = _walk(audit_log)
    with audit_log.database.reading() as unit:
        second = unit.events.page(None, None, 9)[1]
    assert found.broken is not None
    assert (found.broken.event_id, found.broken.position) == (second.id, 2)
    assert not found.is_whole


@pytest.mark.parametrize(
    ("forge", "fault"),
    [
        (_cut_off_the_last, "which is missing"),
        (_rewrite, "which is missing"),
        (_remove_the_head, "no signed head"),
        (_change_the_head, "the signature of its head is wrong"),
    ],
)
def test_a_chain_that_fits_is_not_enough(audit_log: Instance, forge: object, fault: str) -> None:
    """Someone with write access to the database can compute every hash again, but cannot sign."""
    assert callable(forge)
    with unlocked(audit_log) as connection:
        forge(connection)
    found = _walk(audit_log)
    assert found.broken is None
    assert found.fault is not None
    assert fault in found.fault


def test_another_master_key_is_named(audit_log: Instance) -> None:
    """So that an operator can look for the right one."""
    found = _walk(audit_log, MasterKeys(audit_log.settings.data_dir, KEY))
    assert found.fault is not None
    assert "whose master key isn't in ARI_MASTER_KEY" in found.fault
    assert found.fingerprint is not None
    assert found.fingerprint in found.fault
