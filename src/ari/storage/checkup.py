"""Checks of the database for ``ari doctor`` and before a start; all only look, but for a write that is rolled back."""

import asyncio
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, case, func, inspect, select

from ari.base.errors import ConfigurationError, Unavailable, for_operator
from ari.keys.reasons import ACCEPTED
from ari.storage.audit_log import walk
from ari.storage.audit_log.walk import AuditLogCheck
from ari.storage.database_errors import faults_as_unavailable, read_only
from ari.storage.dialect import gives_room_back, is_sqlite
from ari.storage.engine import Database
from ari.storage.failover.history import WentBack
from ari.storage.failover.replication import STATE, ReplicationState
from ari.storage.migrate import LOG, MAIN, Chain, prepare_staging, revision_of
from ari.storage.tables import (
    events,
    notes,
    staging,
    staging_file,
    usage_all_hours,
    usage_days,
    usage_hours,
    usage_totals,
)
from ari.storage.usage.partitions import PartitionState, examine
from ari.storage.write_lock import write_lock

if TYPE_CHECKING:
    from ari.storage.clickhouse.upkeep import ClickHouseState

_LONGEST_NAMED = 5
_PATIENCE_SECONDS = 10.0
"""At a start the machine may be busy; whether a verification works matters, not yet how fast."""


@dataclass(frozen=True, slots=True)
class At:
    """The current migration of a chain, and the one that this version of ARI needs."""

    chain: str
    found: str | None
    wanted: str


@dataclass(frozen=True, slots=True)
class ClockSteps:
    """How often the clock was set by more than five minutes, and when last."""

    count: int
    latest_at_ms: int | None


def migrations(database: Database) -> list[At]:
    """Both chains. Raises ``Unavailable``."""
    with faults_as_unavailable():
        return [_at(database, MAIN), _at(database, LOG)]


def _at(database: Database, chain: Chain) -> At:
    with read_only(database.main if chain is MAIN else database.log) as connection:
        return At(chain.name, revision_of(connection, chain), chain.revisions[-1])


def list_missing_tables(database: Database) -> list[str]:
    """The tables and views of this version that the database lacks. Raises ``Unavailable``."""
    prepare_staging(database)
    missing = list[str]()
    with faults_as_unavailable():
        for chain, engine in ((MAIN, database.main), (LOG, database.log)):
            with read_only(engine) as connection:
                found = inspect(connection)
                there = {*found.get_table_names(), *found.get_view_names()}
            missing += sorted(chain.metadata.tables.keys() - there)
        with read_only(database.folder.staging) as connection:
            there = set(inspect(connection).get_table_names())
        wanted = staging.tables.keys() | (set() if database.shared else staging_file.tables.keys())
    return [*missing, *sorted(wanted - there)]


def try_writing(database: Database) -> None:
    """Write a note to the keys database and take it back. Raises ``Unavailable``."""
    with faults_as_unavailable(), write_lock(database.main_lock), database.main.connect() as connection:
        connection.execute(notes.insert().values(name="doctor", value=""))
        connection.rollback()


def try_verifying(database: Database) -> None:
    """Do what every verification does. Raises ``Unavailable``."""

    async def ask() -> None:
        lookup = await database.open_lookup(_PATIENCE_SECONDS)
        try:
            await lookup.check()
        finally:
            await lookup.close()

    asyncio.run(ask())
    database.ping()


def prove_verification(database: Database) -> None:
    """Do once, before serving, what every verification does.

    Raises ``ConfigurationError`` if it fails, ``WentBack`` where the database is not trusted.
    """
    try:
        try_verifying(database)
    except WentBack:
        raise
    except Unavailable as error:
        raise ConfigurationError(for_operator(error)) from None


def damage(database: Database, thorough: bool) -> str | None:
    """What SQLite finds wrong with the files, the usage log's only if ``thorough``; PostgreSQL keeps its own."""
    with faults_as_unavailable():
        for engine in (database.main, database.log) if thorough else (database.main,):
            with read_only(engine) as connection:
                found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() if is_sqlite(connection) else "ok"
            if found != "ok":
                return str(found)
    return None


def clock_steps(database: Database) -> ClockSteps:
    """Read from the audit log. Raises ``Unavailable``."""
    query = select(func.count(), func.max(events.c.at_ms)).where(events.c.name == "clock_stepped")
    with faults_as_unavailable(), read_only(database.main) as connection:
        count, latest = connection.execute(query).one()
    return ClockSteps(count, latest)


def clickhouse(database: Database) -> "ClickHouseState | None":
    """Whether ClickHouse can serve, and has all rows; ``None`` where it isn't used. Raises ``Unavailable``."""
    if database.clickhouse is None:
        return None
    found = database.clickhouse.upkeep.examine(database.clock)
    if found.state == "wrong":
        return found
    database.clickhouse.owner.require_if_used()
    if found.state != "ok":
        return found
    if database.clickhouse.mover.count_left():
        return replace(found, words=f"{found.words}. Older rows are being moved to it.", state="note")
    reduced = database.clickhouse.mover.count_reduced()
    if reduced:
        words = f"{found.words}. It refused values of {reduced} requests, which it has without them."
        return replace(found, words=words, state="note")
    return found


@dataclass(frozen=True, slots=True)
class LogFile:
    """The usage log's oldest row, and whether its file can become shorter."""

    oldest_at_ms: int | None
    shrinks: bool


def log_file(database: Database) -> LogFile:
    """Raises ``Unavailable``."""
    database.usage.catch_up()
    with faults_as_unavailable(), read_only(database.log) as connection:
        shrinks = gives_room_back(connection)
    return LogFile(database.usage.rows.oldest_at_ms(), shrinks)


def partitions(database: Database) -> PartitionState:
    """Whether PostgreSQL's log has partitions for the next days. Raises ``Unavailable``."""
    with faults_as_unavailable(), read_only(database.log) as connection:
        return examine(connection, database.clock.now_ms())


def standbys(database: Database) -> ReplicationState:
    """What PostgreSQL says of its standbys. Raises ``Unavailable``."""
    with faults_as_unavailable(), read_only(database.main) as connection:
        return ReplicationState.of(connection.exec_driver_sql(STATE).one())


def check_audit_log(database: Database, newest: int | None = None) -> AuditLogCheck:
    """Walk every event, or the ``newest`` ones, and compare them with the signed head. Raises ``Unavailable``."""
    witness = database.witness.read()  # before the snapshot: the file follows the commit
    with faults_as_unavailable(), _snapshot(database, database.main) as connection:
        return walk.examine(connection, database.master_keys, witness, newest)


@contextmanager
def _snapshot(database: Database, engine: Engine) -> Iterator[Connection]:
    """All reads see one moment, on PostgreSQL too."""
    options = {"ari_read_only": True} | ({"isolation_level": "REPEATABLE READ"} if database.shared else {})
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


def uneven_sums(database: Database) -> str | None:
    """The first kind of rollup whose sums are not the totals of the keys. Raises ``Unavailable``."""
    totals, hours, days, every = usage_totals.c, usage_hours.c, usage_days.c, usage_all_hours.c
    accepted = func.sum(case((hours.code == ACCEPTED, hours["count"]), else_=0))
    by_hour = (hours.key_id, accepted, func.sum(hours["count"]) - accepted)
    by_day = (days.key_id, func.sum(days.accepted_count), func.sum(days.refused_count))
    all_accepted = func.sum(case((every.code == ACCEPTED, every["count"]), else_=0))
    with faults_as_unavailable(), _snapshot(database, database.log) as connection:
        kept = _by_key(connection.execute(select(totals.key_id, totals.request_count, totals.refused_count)))
        if _by_key(connection.execute(select(*by_hour).group_by(hours.key_id))) != kept:
            return "hours"
        if _by_key(connection.execute(select(*by_day).group_by(days.key_id))) != kept:
            return "days"
        sums = connection.execute(select(all_accepted, func.sum(every["count"]) - all_accepted).where(every.with_key))
        of_all = tuple(int(count or 0) for count in sums.one())
        expected = (sum(good for good, _ in kept.values()), sum(bad for _, bad in kept.values()))
        return None if of_all == expected else "hours of all keys"


def _by_key(rows: Iterable[Any]) -> dict[str, tuple[int, int]]:
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def readable_by_others(data_dir: Path, *, by_group: bool = False) -> list[str]:
    """Names of files that others than their owner, and with ``by_group`` its group, can reach, a few of them."""
    refused = 0o007 if by_group else 0o077
    loose = [path.name for path in sorted(data_dir.iterdir()) if _is_loose(path, refused)]
    return loose[:_LONGEST_NAMED]


def _is_loose(path: Path, refused: int) -> bool:
    mode = path.lstat().st_mode
    return stat.S_ISREG(mode) and bool(mode & refused)
