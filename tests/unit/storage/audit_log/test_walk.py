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
