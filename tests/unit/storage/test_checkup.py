"""What ``ari doctor`` asks of the database: it finds what is wrong, and changes nothing."""

import pytest

from ari.base.errors import Unavailable
from ari.instance import Instance
from ari.storage import checkup
from ari.storage.engine import KEYS_FILE
from ari.storage.migrate import LOG, MAIN
from ari.usage.ports import Batch
from tests.support.instances import START_MS
from tests.support.usage import OTHER_KEY, make_row


def test_a_healthy_instance(instance: Instance) -> None:
    """No alarm where nothing is wrong, and the trial leaves nothing."""
    database = instance.database
    assert all(one.found == one.wanted for one in checkup.migrations(database))
    assert [one.chain for one in checkup.migrations(database)] == [MAIN.name, LOG.name]
    checkup.try_writing(database)
    checkup.try_writing(database)
    checkup.try_verifying(database)
    assert checkup.damage(database, thorough=True) is None
    assert checkup.clock_steps(database) == checkup.ClockSteps(0, None)
    assert checkup.log_file(database) == checkup.LogFile(None, shrinks=True)
    assert checkup.uneven_sums(database) is None
    with database.reading() as unit:
        assert unit.key_value.get("doctor") is None


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE usage_hours SET count = count + 1", "hours"),
        ("UPDATE usage_days SET refused_count = refused_count + 1", "days"),
        ("UPDATE usage_all_hours SET count = count - 1 WHERE code = 'ok'", "hours of all keys"),
        ("UPDATE usage_totals SET request_count = 0", "hours"),
        (f"DELETE FROM usage_days WHERE key_id = '{OTHER_KEY}'", "days"),
    ],
)
def test_sums_that_do_not_agree_are_found(instance: Instance, change: str, found: str) -> None:
    """Limits are counted from them, so they must be equal to the log."""
    instance.database.usage.commit(Batch([make_row(), make_row(START_MS + 1, key_id=OTHER_KEY, code="expired")]))
    instance.database.usage.fold_all()
    assert checkup.uneven_sums(instance.database) is None
    with instance.database.log.begin() as connection:
        connection.exec_driver_sql(change)
    assert checkup.uneven_sums(instance.database) == found


def test_the_oldest_row_is_found(instance: Instance) -> None:
    """Also one that no fold has moved yet."""
    instance.database.usage.commit(Batch([make_row(START_MS + 5), make_row(START_MS)]))
    assert checkup.log_file(instance.database).oldest_at_ms == START_MS


def test_files_that_others_can_read_are_named(instance: Instance) -> None:
    """Anyone who reads them knows what callers sent."""
    folder = instance.settings.data_dir
    assert checkup.readable_by_others(folder) == []
    (folder / KEYS_FILE).chmod(0o640)
    assert checkup.readable_by_others(folder) == [KEYS_FILE]
    assert checkup.readable_by_others(folder, by_group=True) == []
    (folder / KEYS_FILE).chmod(0o604)
    assert checkup.readable_by_others(folder, by_group=True) == [KEYS_FILE]


def test_a_database_that_cannot_verify(instance: Instance) -> None:
    """Is found before a caller meets it."""
    with instance.database.main.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE api_keys RENAME TO elsewhere")
    with pytest.raises(Unavailable):
        checkup.try_verifying(instance.database)
