"""The partitions of PostgreSQL's log: created ahead, never in the way of a row."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, text

from ari.base.clock import DAY_MS
from ari.base.errors import Unavailable
from ari.instance import Instance
from ari.storage import checkup
from ari.storage.usage import partitions
from ari.storage.usage.partitions import BEFORE, DAYS_AHEAD, OTHER, PartitionState, list_partitions
from ari.storage.usage.row_ids import lowest_at
from ari.usage.model import UsageFilter
from ari.usage.ports import Batch
from tests.support.instances import START_MS, opened
from tests.support.usage import KEY, make_row, read_sums, rows_of

TODAY = START_MS // DAY_MS
NAME = "usage_log_20270115"
"""The partition of ``START_MS``."""


@pytest.fixture
def instance(data_dir: Path, postgres_url: str) -> Iterator[Instance]:
    """On PostgreSQL, with days up to ``START_MS`` that no partition has."""
    with opened(data_dir, postgres_url) as found:
        yield found


def _names(instance: Instance) -> list[str]:
    with instance.database.log.connect() as connection:
        return [one.name for one in list_partitions(connection)]


def _count(instance: Instance, table: str) -> int:
    with instance.database.log.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def _store(instance: Instance, *times_ms: int) -> None:
    instance.database.usage.commit(Batch([make_row(at_ms) for at_ms in times_ms]))
    instance.database.usage.fold_all()


def test_days_are_created_ahead_and_once(instance: Instance) -> None:
    """Yesterday, today and the next seven; another call finds nothing to do."""
    before = set(_names(instance))
    assert instance.database.usage.create_partitions() == DAYS_AHEAD + 2
    assert instance.database.usage.create_partitions() == 0
    made = [name for name in _names(instance) if name not in before]
    assert (made[0], made[1], made[-1]) == ("usage_log_20270114", NAME, "usage_log_20270122")
    with instance.database.log.connect() as connection:
        for one in list_partitions(connection):
            assert one.is_day == (one.name != BEFORE)
            assert not one.is_day or one.low % lowest_at(DAY_MS) == 0


def test_each_row_is_in_the_partition_of_its_day(instance: Instance) -> None:
    """Also at the edges of a day; rows of days that have none are elsewhere, and all are found."""
    instance.database.usage.create_partitions()
    start = TODAY * DAY_MS
    times = [0, start - 90 * DAY_MS, start - 1, start, START_MS, start + DAY_MS - 1, start + DAY_MS, 1 << 46]
    _store(instance, *times)
    assert _count(instance, NAME) == 3
    assert _count(instance, "usage_log_20270114") == _count(instance, "usage_log_20270116") == 1
    assert _count(instance, OTHER) + _count(instance, BEFORE) == 3
    assert [row.at_ms for row in rows_of(instance.database)] == sorted(times, reverse=True)
    assert [row.at_ms for row in rows_of(instance.database, UsageFilter(KEY))] == sorted(times, reverse=True)
    assert read_sums(instance.database) == {KEY: (8, 0)}


def test_a_day_that_has_rows_already_keeps_them_where_they_are(instance: Instance) -> None:
    """They came while nothing created partitions. The other days get theirs."""
    _store(instance, START_MS)
    assert instance.database.usage.create_partitions() == DAYS_AHEAD + 1
    assert NAME not in _names(instance)
    _store(instance, START_MS + 1)
    assert _count(instance, OTHER) == 2
    assert len(rows_of(instance.database)) == 2


def test_a_large_rest_is_read_before_without_a_lock(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL then attaches without reading it; of the constraint that made it sure nothing is left."""
    monkeypatch.setattr(partitions, "MAX_SCANNED_BYTES", 0)
    _store(instance, START_MS, START_MS - 30 * DAY_MS)
    assert instance.database.usage.create_partitions() == DAYS_AHEAD + 1
    with instance.database.log.connect() as connection:
        assert partitions.list_promises(connection) == set()
    _store(instance, START_MS + 1)


def test_a_process_killed_between_two_steps_leaves_nothing_in_the_way(instance: Instance) -> None:
    """A promise that no row of a day is in the rest is kept by the next call, or withdrawn when the day is over."""
    day, past = TODAY + 3, TODAY - 20
    with instance.database.log.begin() as connection:
        for one in (day, past):
            name = f"{OTHER}_without_{'20270118' if one == day else '20261226'}"
            outside = f"id_high < {lowest_at(one * DAY_MS)} OR id_high >= {lowest_at((one + 1) * DAY_MS)}"
            connection.execute(text(f"ALTER TABLE {OTHER} ADD CONSTRAINT {name} CHECK ({outside}) NOT VALID"))
    assert instance.database.usage.create_partitions() == DAYS_AHEAD + 2
    _store(instance, past * DAY_MS, day * DAY_MS)
    assert _count(instance, "usage_log_20270118") == 1


def test_a_reader_that_stays_is_not_waited_for(instance: Instance) -> None:
    """Others would queue behind the wait. The call fails soon, and the next one does the rest."""
    with instance.database.log.connect() as reader:
        reader.execute(text(f"SELECT count(*) FROM {OTHER}"))
        with pytest.raises(Unavailable):
            instance.database.usage.create_partitions()
        assert rows_of(instance.database) == []
    assert instance.database.usage.create_partitions() == DAYS_AHEAD + 2


def test_what_doctor_says(instance: Instance) -> None:
    """Whether tomorrow has a partition, and up to when."""
    missing = checkup.partitions(instance.database)
    assert (missing.is_fine, missing.words.startswith("no partition for tomorrow")) == (False, True)
    instance.database.usage.create_partitions()
    assert checkup.partitions(instance.database) == PartitionState("created up to 2027-01-22", is_fine=True)


@pytest.fixture
def role(instance: Instance) -> Iterator[str]:
    """Owns nothing, and may use all tables. The name needs quotes."""
    engine, name = instance.database.log, f"ari-reader {os.getpid()}"
    with engine.begin() as connection:
        connection.execute(text(f'DROP ROLE IF EXISTS "{name}"'))
        connection.execute(text(f'CREATE ROLE "{name}"'))
        connection.execute(text("REVOKE CREATE ON SCHEMA public FROM public"))
        connection.execute(text(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{name}"'))
    yield name
    with engine.begin() as connection:
        connection.execute(text(f'REASSIGN OWNED BY "{name}" TO CURRENT_USER'))
        connection.execute(text(f'DROP OWNED BY "{name}"'))
        connection.execute(text(f'DROP ROLE "{name}"'))


@contextmanager
def _working_as(role: str, engine: Engine) -> Iterator[None]:
    def _take(connection: Connection) -> None:
        connection.exec_driver_sql(f'SET LOCAL ROLE "{role}"')

    event.listen(engine, "begin", _take)
    yield
    event.remove(engine, "begin", _take)


def test_a_role_without_rights_creates_nothing_and_learns_all_that_is_missing(instance: Instance, role: str) -> None:
    """After some of the statements that doctor says, the others are still said, and after all of them it works."""
    engine, partial = instance.database.log, 'ALTER TABLE usage_log OWNER TO "{}"'
    with _working_as(role, engine):
        assert instance.database.usage.create_partitions() == 0
        state = checkup.partitions(instance.database)
    assert not state.is_fine
    assert state.words.startswith(f"{role} may not create tables in its schema, and {role} doesn't own usage_log, ")
    statements = state.words.partition("Run as a superuser: ")[2].split("; ")
    assert len(statements) == len(_names(instance)) + 3
    with engine.begin() as connection:
        connection.execute(text(statements[0]))
        connection.execute(text(partial.format(role)))
    with _working_as(role, engine):
        assert instance.database.usage.create_partitions() == 0
        assert "days get no partition" in checkup.partitions(instance.database).words
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    with _working_as(role, engine):
        assert instance.database.usage.create_partitions() == DAYS_AHEAD + 2
        assert checkup.partitions(instance.database).is_fine


def test_a_partition_of_another_role_is_named(instance: Instance, role: str) -> None:
    """Such as one that was created by an administrator: this role can't drop it."""
    engine = instance.database.log
    assert instance.database.usage.create_partitions() > 0
    with _working_as(role, engine):
        statements = checkup.partitions(instance.database).words.partition("Run as a superuser: ")[2].split("; ")
    with engine.begin() as connection:
        for statement in statements:
            if NAME not in statement:
                connection.execute(text(statement))
    with _working_as(role, engine):
        said = f"{role} doesn't own {NAME}, so old rows of these days are removed one by one. Run as a superuser: "
        said += f'ALTER TABLE public.{NAME} OWNER TO "{role}";'
        assert checkup.partitions(instance.database) == PartitionState(said, is_fine=False)
