"""The counters of limits: decided in the commit that logs the request, exact on both databases."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import create_engine, delete, func, select, text, update

from ari.base.clock import MINUTE_MS
from ari.base.errors import Unavailable
from ari.keys.limits.charge import CONSUMER_PREFIX, Charge, RuleOwner
from ari.keys.limits.rules import CREDITS, Credits, Limit, LimitRules
from ari.storage.engine import STAGING_FILE, Database
from ari.storage.tables import limit_counters, usage_rows
from ari.storage.usage.counters import begin_postgres
from ari.usage.floods import MAX_LISTED_PER_MINUTE
from ari.usage.model import UsageRow
from ari.usage.ports import Batch
from tests.support.clock import FrozenClock
from tests.support.instances import START_MS, opened, settings_for
from tests.support.usage import KEY, OTHER_KEY, make_row, read_sums, rows_of

DAY = LimitRules(1, (Limit("default", 10, 24 * 60 * MINUTE_MS),))
KEY_OWNER = RuleOwner(KEY, DAY)
CONSUMER = RuleOwner("con_1", LimitRules(1, (Limit("default", 4, 24 * 60 * MINUTE_MS),)), CONSUMER_PREFIX)


def make_charged_row(*owners: RuleOwner, units: int = 1, **fields: Any) -> UsageRow:
    return make_row(charge=Charge(owners or (KEY_OWNER,), units), **fields)


def is_allowed(row: UsageRow) -> bool:
    assert row.charge is not None
    assert row.charge.decision is not None
    return row.charge.decision.exceeded is None


def read_remaining(database: Database, *owners: RuleOwner) -> dict[str, int]:
    return {one.name: one.remaining for one in database.usage.read_remaining(owners or (KEY_OWNER,))}


def sum_consumed(database: Database) -> dict[str, int]:
    """The units by name that the rows of the log consumed."""
    database.usage.fold_all()
    found: dict[str, int] = {}
    with database.log.connect() as connection:
        for stored in connection.scalars(select(usage_rows.c.consumed).where(usage_rows.c.consumed.is_not(None))):
            for name, units in msgspec.json.decode(stored).items():
                found[name] = found.get(name, 0) + units
    return found


def test_a_limit_is_exact_and_equals_the_log(data_dir: Path, database_url: str | None) -> None:
    """Within a batch, in order; the refused rows say why, consume nothing and count as refused."""
    with opened(data_dir, database_url) as instance:
        database = instance.database
        rows = [make_charged_row() for _ in range(12)]
        database.usage.commit(Batch([*rows, make_row()]))
        assert [is_allowed(row) for row in rows] == [True] * 10 + [False] * 2
        assert sum_consumed(database) == {"default": 10}
        assert read_remaining(database) == {"default": 0}
        stored = {row.id: row for row in rows_of(database)}
        assert [(stored[row.id].code, stored[row.id].status) for row in rows[9:]] == [
            ("ok", 200),
            ("rate_limited", 429),
            ("rate_limited", 429),
        ]
        assert [stored[row.id].consumed for row in rows[9:]] == ['{"default":1}', None, None]
        assert read_sums(database) == {KEY: (11, 2)}


def test_processes_that_commit_at_once_share_one_count(data_dir: Path, database_url: str | None) -> None:
    """Each has its own connections; two owners are locked in one order, also when both are new."""
    with opened(data_dir, database_url) as instance:
        others = [Database.open(settings_for(data_dir, database_url)) for _ in range(3)]
        databases = [instance.database, *others]
        rules = LimitRules(1, (Limit("default", 50, 24 * 60 * MINUTE_MS),), Credits(40))
        one, two = RuleOwner(KEY, rules), RuleOwner(OTHER_KEY, rules, CONSUMER_PREFIX)
        batches = [[make_charged_row(one, two), make_charged_row(two)] for _ in range(60)]
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda n: databases[n % 4].usage.commit(Batch(batches[n])), range(60)))
        allowed = [[is_allowed(row) for row in batch] for batch in batches]
        of_both, of_two = sum(one for one, _ in allowed), sum(one for _, one in allowed)
        assert of_both + of_two == 40
        assert sum_consumed(instance.database) == {
            "default": of_both,
            CREDITS: of_both,
            "consumer:default": 40,
            "consumer:credits": 40,
        }
        assert read_remaining(instance.database, one, two)["consumer:credits"] == 0
        for other in others:
            other.close()


def test_a_batch_that_fails_consumes_nothing(data_dir: Path, database_url: str | None) -> None:
    """The counter is in the transaction of the rows."""
    with opened(data_dir, database_url) as instance:
        database = instance.database
        engine = database.folder.staging
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE usage_staging RENAME COLUMN kind TO kind_"))
        with pytest.raises(Unavailable):
            database.usage.commit(Batch([make_charged_row()]))
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE usage_staging RENAME COLUMN kind_ TO kind"))
        assert read_remaining(database) == {"default": 10}
        database.usage.commit(Batch([make_charged_row()]))
        assert read_remaining(database) == {"default": 9}


def test_texts_that_no_database_takes_are_cleaned_and_counted_once(data_dir: Path, database_url: str | None) -> None:
    """The second try of the commit decides again, from the start."""
    with opened(data_dir, database_url) as instance:
        row = make_charged_row(path="/\ud800\0", bytes=2**80)
        instance.database.usage.commit(Batch([row]))
        assert is_allowed(row)
        assert sum_consumed(instance.database) == {"default": 1}
        assert read_remaining(instance.database) == {"default": 9}


def test_many_refusals_are_counted_in_one_row(data_dir: Path, database_url: str | None) -> None:
    """Rule 18: a key over its limit cannot fill the log."""
    with opened(data_dir, database_url) as instance:
        for _ in range(3):
            instance.database.usage.commit(Batch([make_charged_row(CONSUMER) for _ in range(70)]))
        assert read_sums(instance.database) == {KEY: (4, 206)}
        with instance.database.log.connect() as connection:
            rows = select(func.count()).where(usage_rows.c.code == "rate_limited")
            assert connection.scalar(rows) == MAX_LISTED_PER_MINUTE + 1


def test_counters_outlive_the_process(data_dir: Path, database_url: str | None) -> None:
    """The next one goes on where it ended."""
    with opened(data_dir, database_url) as instance:
        instance.database.usage.commit(Batch([make_charged_row(units=7)]))
    with opened(data_dir, database_url) as instance:
        assert read_remaining(instance.database) == {"default": 3}
        row = make_charged_row(units=4)
        instance.database.usage.commit(Batch([row]))
        assert not is_allowed(row)


def test_on_sqlite_setting_the_clock_changes_nothing(data_dir: Path) -> None:
    """The counters' time is the machine's uptime plus an offset that is kept until it starts again."""
    rules = LimitRules(1, (Limit("default", 1, MINUTE_MS),))
    with opened(data_dir, None) as instance:
        clock = instance.clock = instance.database.clock = FrozenClock(START_MS)
        owner = RuleOwner(KEY, rules)

        def try_once() -> bool:
            row = make_charged_row(owner)
            instance.database.usage.commit(Batch([row]))
            return is_allowed(row)

        assert try_once()
        clock.step(3_600)
        assert not try_once()
        clock.step(-7_200)
        assert not try_once()
        clock.advance(59)
        assert not try_once()
        clock.advance(2)
        assert try_once()


def test_counters_come_back_with_a_lost_staging_file(data_dir: Path) -> None:
    """As the last backup saved them; counters that are still there are not replaced by older ones."""
    with opened(data_dir, None) as instance:
        instance.database.usage.commit(Batch([make_charged_row(units=6)]))
        instance.database.usage.save_counters()
        instance.database.usage.commit(Batch([make_charged_row(units=1)]))
        instance.database.folder.prepare()
        assert read_remaining(instance.database) == {"default": 3}
    for file in data_dir.glob("usage-staging.db*"):
        file.unlink()
    with opened(data_dir, None) as instance:
        assert read_remaining(instance.database) == {"default": 4}


def test_a_staging_table_of_the_previous_version_gets_its_columns(data_dir: Path, database_url: str | None) -> None:
    """Its entries are kept."""
    with opened(data_dir, database_url) as instance:
        database = instance.database
        database.usage.commit(Batch([make_row()]))
        with database.folder.staging.begin() as connection:
            for column in ("secret_number", "consumed"):
                connection.execute(text(f"ALTER TABLE usage_staging DROP COLUMN {column}"))
        database.folder.prepare()
        database.usage.commit(Batch([make_charged_row(secret_number=2)]))
        rows = rows_of(database)
        assert [(row.secret_number, row.consumed) for row in rows] == [(2, '{"default":1}'), (None, None)]


def test_a_frozen_holder_of_a_counter_is_ended(data_dir: Path, postgres_url: str) -> None:
    """A process that stops in the middle of a commit does not stop its keys on the other nodes."""
    with opened(data_dir, postgres_url) as instance, instance.database.log.connect() as connection:
        raw: Any = connection.connection.driver_connection
        raw.autocommit = True
        counters, _ = begin_postgres(raw, "BEGIN", [KEY])
        assert counters.keys() == {KEY}
        assert raw.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("10s",)
        raw.execute("ROLLBACK")


def test_erased_counters_begin_again(data_dir: Path, postgres_url: str) -> None:
    """A row that was removed by hand is made again."""
    with opened(data_dir, postgres_url) as instance:
        instance.database.usage.commit(Batch([make_charged_row(units=6)]))
        with instance.database.log.begin() as connection:
            connection.execute(delete(limit_counters))
        instance.database.usage.commit(Batch([make_charged_row(units=6)]))
        assert read_remaining(instance.database) == {"default": 4}


@pytest.mark.parametrize(
    ("damage", "left"),
    [
        (lambda state: state.replace(":3", ":2.5"), 6),
        (lambda state: state[:-5], 9),
        (lambda state: state.replace(":3", ':"three"'), 9),
    ],
    ids=["fraction", "cut off", "text"],
)
def test_a_damaged_counter_stops_no_commit(data_dir: Path, database_url: str | None, damage: Any, left: int) -> None:
    """Neither of its own key nor of another. Fractions are rounded up; from anything else the count begins again."""
    other = RuleOwner(OTHER_KEY, DAY)
    with opened(data_dir, database_url) as instance:
        database = instance.database
        database.usage.commit(Batch([make_charged_row(units=3), make_charged_row(other, key_id=OTHER_KEY, units=3)]))
        engine = create_engine(f"sqlite:///{data_dir / STAGING_FILE}") if database_url is None else database.log
        where = limit_counters.c.owner_id == KEY
        with engine.begin() as connection:
            state = connection.scalar(select(limit_counters.c.state).where(where))
            connection.execute(update(limit_counters).where(where).values(state=damage(state)))
        if database_url is None:
            engine.dispose()
        assert read_remaining(database, KEY_OWNER)["default"] == left + 1
        database.usage.commit(Batch([make_charged_row(), make_charged_row(other, key_id=OTHER_KEY)]))
        assert read_remaining(database, KEY_OWNER) == {"default": left}
        assert read_remaining(database, other) == {"default": 6}
