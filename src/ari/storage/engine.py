"""From settings to an open database: files and their modes, engines, transactions."""
# Imports inside functions here: a command of the terminal imports neither the hot path nor, on SQLite, what PostgreSQL
# needs.
# ruff: noqa: PLC0415

from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, text

from ari.base.audit import Mark
from ari.base.caller import SYSTEM, Caller
from ari.base.clock import Clock, system_clock
from ari.base.errors import ConfigurationError
from ari.base.master_key import MasterKeys
from ari.base.settings import Settings
from ari.storage.audit_log.witness import Witness
from ari.storage.commit_counter import CommitCounter
from ari.storage.data_dir import prepare_data_dir
from ari.storage.database_errors import faults_as_unavailable, read_only
from ari.storage.dialect import order_writes, sqlite_engine
from ari.storage.failover.history import History
from ari.storage.failover.replication import CommitUnconfirmed, Confirmation
from ari.storage.measured_database import measure_database
from ari.storage.pending_restore import KEYS_FILE, LOG_LOCK, MAIN_LOCK, STAGING_FILE, USAGE_FILE, complete_restore
from ari.storage.transaction import Transaction
from ari.storage.usage.budget_commits import BudgetWarningTables
from ari.storage.usage.fold import STAGING_CHECKPOINT_PAGES, Folder, writing
from ari.storage.usage.reports import UsageReports
from ari.storage.usage.staging import Staging
from ari.storage.usage.store import UsageTables
from ari.storage.write_lock import write_lock

if TYPE_CHECKING:
    from ari.storage.clickhouse.clickhouse_log import ClickHouseLog
    from ari.storage.failover.heartbeat import Heartbeat
    from ari.storage.failover.link import Link
    from ari.storage.lookups.ai_rules import AiRulesLookup
    from ari.storage.lookups.keys import SqliteKeyLookup
    from ari.storage.lookups.providers import ProviderLookup
    from ari.storage.lookups.sqlite import SqliteLookup
    from ari.storage.lookups.thread_lookup import SqliteThreadLookup
    from ari.storage.preflight import ServerInfo
    from ari.storage.usage.shipping import RowSink
    from ari.storage.usage.watch import WatchedTables
    from ari.usage.ports import KeyLookup

__all__ = ["KEYS_FILE", "STAGING_FILE", "USAGE_FILE", "Database", "prepare_data_dir"]


class Database:
    """The keys database and the usage database: SQLite files, or one PostgreSQL database.

    Each has its own engine, since the usage log may be less durable than the keys (``ARI_USAGE_DURABILITY``). On SQLite
    the log has a second file, for ``staging``, and ``folding`` is an engine on both.
    """

    def __init__(
        self,
        main: Engine,
        log: Engine,
        staging: Engine,
        folding: Engine,
        settings: Settings,
        history: History,
        keys: MasterKeys | None = None,
        link: "Link | None" = None,
        server: "ServerInfo | None" = None,
    ) -> None:
        self.clock = system_clock(settings.test_clock_file)
        self.main = main
        order_writes(main)
        self.log = log
        self._engines = {id(engine): engine for engine in (main, log, staging, folding)}.values()
        self.metrics = measure_database(self._engines, link)
        self.data_dir = data_dir = settings.data_dir
        self.history = history
        self.link = link
        self.master_keys = keys or master_keys_of(settings)
        self.witness = Witness(data_dir)
        self.server = server
        self._verify_seconds = settings.verify_timeout_seconds
        self._usage_is_durable = settings.usage_durability == "fsync"
        sqlite = link is None
        self.main_lock = data_dir / MAIN_LOCK if sqlite else None
        self.log_lock = data_dir / LOG_LOCK if sqlite else None
        staging_lock = data_dir / "staging.lock" if sqlite else None
        files = [data_dir / STAGING_FILE, data_dir / USAGE_FILE] if sqlite else []
        level = None if sqlite or not self._usage_is_durable else self.usage_commit_level
        self.clickhouse = self._make_clickhouse(settings)
        self.folder = Folder(folding, self.log_lock, staging, staging_lock, self._find_sink())
        stage = Staging(staging, staging_lock, files, self.folder.prepare, level, clock=self.read_clock)
        usage = UsageTables(
            log, self.log_lock, stage, self.folder, self.metrics, self.clickhouse, clock=self.read_clock
        )
        self.usage = usage
        self._commits = CommitCounter()
        self._watches = WeakKeyDictionary[AbstractEventLoop, "SqliteLookup"]()
        """The lookup of keys that an event loop has: the others of the same file ask it what changed."""
        self.heartbeat: Heartbeat | None = None
        self._confirmation: Confirmation | None = None
        self._examine_history(settings)
        self.reports = UsageReports(log, self.usage.rows, self.usage.catch_up, self.usage.complete_until_ms)

    @cached_property
    def watched(self) -> "WatchedTables":
        """Counts of key usage for the watch."""
        from ari.storage.usage.watch import WatchedTables

        return WatchedTables(self.log, self.usage.rows, self.usage.catch_up)

    def _examine_history(self, settings: Settings) -> None:
        if self.link is None:
            from ari.storage.failover.sqlite import examine_sqlite

            examine_sqlite(self.main, self.history)
        else:
            self.heartbeat = _make_heartbeat(self.link, self.data_dir)
            # A command that repairs must work where the standby became the primary and has none of its own yet.
            required = settings.database_sync == "required" and not self.history.trusting
            self._confirmation = Confirmation(self.main, required=required)

    def _find_sink(self) -> "RowSink | None":
        return None if self.clickhouse is None else self.clickhouse.sink

    def _open_usage(self, stage: Staging) -> UsageTables:
        folder, metrics = self.folder, self.metrics
        return UsageTables(self.log, self.log_lock, stage, folder, metrics, self.clickhouse, clock=self.read_clock)

    def read_clock(self) -> Clock:
        """The clock, which tests replace."""
        return self.clock

    def _make_clickhouse(self, settings: Settings) -> "ClickHouseLog | None":
        if self.link is None or settings.usage_log_url is None:
            return None
        from ari.storage.clickhouse.clickhouse_log import ClickHouseLog

        return ClickHouseLog(settings, self.log, partial(writing, self.log, None), self.read_clock)

    @property
    def budget_warnings(self) -> BudgetWarningTables:
        """The warnings of budgets that are not reported yet."""
        return BudgetWarningTables(self.folder.staging, self.folder.staging_lock)

    @classmethod
    def open(cls, settings: Settings, keys: MasterKeys | None = None, *, trusting: bool = False) -> "Database":
        """Open or prepare the database. Raises ``ConfigurationError`` when it or the data directory cannot serve.

        ``keys`` are the master keys, where they are not those of the settings' data directory. Nothing is created on a
        PostgreSQL server; an interrupted restore of SQLite files is completed. ``trusting``: whatever database is
        there, for the commands that repair.
        """
        prepare_data_dir(settings)
        if settings.database_url is None and settings.database_sync == "required":
            raise ConfigurationError("ARI_DATABASE_SYNC=required needs PostgreSQL: set ARI_DATABASE_URL.")
        if settings.database_url is None:
            complete_restore(settings.data_dir)
            keys_file, usage_file, staging_file = (
                settings.data_dir / name for name in (KEYS_FILE, USAGE_FILE, STAGING_FILE)
            )
            durable = "FULL" if settings.usage_durability == "fsync" else "NORMAL"
            log = sqlite_engine(usage_file, durable)
            staging = sqlite_engine(staging_file, durable, checkpoint_pages=STAGING_CHECKPOINT_PAGES)
            folding = sqlite_engine(usage_file, durable, attached=staging_file)
            history = History(settings.data_dir, "sqlite", trusting=trusting)
            return cls(sqlite_engine(keys_file, "FULL"), log, staging, folding, settings, history, keys)
        from ari.storage.database_url import parse
        from ari.storage.failover.link import Link
        from ari.storage.postgres_sessions import Sessions
        from ari.storage.preflight import examine

        try:
            url = parse(settings.database_url.get_secret_value())
            sessions = Sessions(url, settings.database_pooler, connections=settings.database_connections)
            server = examine(sessions)
            sessions = replace(sessions, few=server.pooled)
            history = History(settings.data_dir, "postgresql", trusting=trusting)
            link = Link(sessions, history, lambda: _read_credentials(settings))
            main = link.engine()
            log = link.engine("on" if settings.usage_durability == "fsync" else "off")
        except ImportError:
            raise ConfigurationError('PostgreSQL needs its driver. Run: pip install "ari-keys[postgres]"') from None
        folding = log.execution_options(isolation_level="REPEATABLE READ")
        return cls(main, log, log, folding, settings, history, keys, link, server)

    @contextmanager
    def writing(self, caller: Caller = SYSTEM) -> Iterator[Transaction]:
        """One write transaction, committed at the end. Database faults become ``Unavailable``."""
        from ari.storage.audit_log.histories import sign_following

        with faults_as_unavailable(), write_lock(self.main_lock):
            tx, signed = None, None
            try:
                with self._transaction() as connection:
                    tx = Transaction(connection, self.master_keys, self.clock.now_ms(), caller, writing=True)
                    yield tx
                    signed = sign_following(tx.events, self.witness, self.master_keys)
            except CommitUnconfirmed:
                self._remember(tx, signed)
                raise
            finally:
                self._commits.count += 1
            self._remember(tx, signed)

    def _transaction(self) -> AbstractContextManager[Connection]:
        return self.main.begin() if self._confirmation is None else self._confirmation.begin_confirmed(self.main)

    def _remember(self, tx: Transaction | None, signed: Mark | None) -> None:
        if tx is not None:
            self.history.remember(tx.events.appended, tx.events.histories)
        if signed is not None:
            self.witness.keep(signed)

    @contextmanager
    def reading(self, caller: Caller = SYSTEM) -> Iterator[Transaction]:
        """One read-only snapshot."""
        with faults_as_unavailable(), read_only(self.main) as connection:
            yield Transaction(connection, self.master_keys, self.clock.now_ms(), caller, writing=False)

    def ping(self) -> None:
        """Raise ``Unavailable`` unless the database responds and can write rows to the usage log."""
        with faults_as_unavailable():
            for engine in {id(one): one for one in (self.main, self.log)}.values():
                with read_only(engine) as connection:
                    connection.execute(text("SELECT 1 FROM notes LIMIT 1" if engine is self.main else "SELECT 1"))
        self.usage.check()

    def usage_commit_level(self) -> str:
        """How far a commit of usage waits. Where no standby confirms, the primary's disk must do: keys are verified."""
        beat = self.heartbeat
        return "local" if beat is not None and (beat.replication.nobody_confirms or beat.standby_is_silent) else "on"

    @property
    def shared(self) -> bool:
        """Whether keys and usage are in one PostgreSQL database."""
        return self.link is not None

    async def open_lookup(self, patience_seconds: float | None = None) -> "KeyLookup":
        """The hot path's own connections. From now on the database is watched (``failover.heartbeat``).

        With ``patience_seconds``, which replaces that of a verification, it is a trial, and nothing is watched.
        """
        from ari.storage.lookups.keys import PostgresKeyLookup, SqliteKeyLookup

        if self.link is None:
            lookup = self._set_examination(
                SqliteKeyLookup(self.data_dir / KEYS_FILE, self.data_dir / USAGE_FILE, self._commits)
            )
            self._watches[get_running_loop()] = lookup.keys
            return lookup
        if patience_seconds is None:
            self.watch()
        return PostgresKeyLookup(self.link, patience_seconds or self._verify_seconds)

    def open_thread_lookup(self) -> "SqliteThreadLookup | None":
        """Connections for threads without an event loop, on SQLite, where a read doesn't wait."""
        from ari.storage.lookups.keys import SqliteKeyLookup
        from ari.storage.lookups.thread_lookup import SqliteThreadLookup, end_no_tick

        if self.link is not None:
            return None
        files = self.data_dir / KEYS_FILE, self.data_dir / USAGE_FILE
        return SqliteThreadLookup(
            lambda: self._set_examination(SqliteKeyLookup(*files, self._commits, end_no_tick)), self._verify_seconds
        )

    def _set_examination(self, lookup: "SqliteKeyLookup") -> "SqliteKeyLookup":
        """The lookup, which trusts no file that went back in time."""
        from ari.storage.failover.sqlite import examine_file

        lookup.keys.examine = lookup.imported.examine = partial(examine_file, history=self.history)
        return lookup

    def watch(self, delay_seconds: float = 0.0) -> None:
        """Notice a database server that hangs, changed or waits for its standby; only PostgreSQL needs it."""
        if self.heartbeat is not None:
            self.heartbeat.start(delay_seconds)

    def provider_lookup(self) -> "ProviderLookup":
        """The gateway's lookup for each request; connects at the first one."""
        from ari.storage.lookups.providers import PostgresProviderLookup, SqliteProviderLookup

        if self.link is None:
            return SqliteProviderLookup(self.data_dir / KEYS_FILE, self._commits, self._find_watch)
        return PostgresProviderLookup(self.link, self._verify_seconds)

    def ai_rules_lookup(self) -> "AiRulesLookup":
        """The gateway's lookup of the rules for AI requests; connects at the first one."""
        from ari.storage.lookups.ai_rules import PostgresAiRulesLookup, SqliteAiRulesLookup

        if self.link is None:
            return SqliteAiRulesLookup(self.data_dir / KEYS_FILE, self._commits, self._find_watch)
        return PostgresAiRulesLookup(self.link, self._verify_seconds)

    def _find_watch(self) -> "SqliteLookup | None":
        return self._watches.get(get_running_loop())

    def close(self) -> None:
        """Let all connections go."""
        if self.heartbeat is not None:
            self.heartbeat.stop()
        self.usage.close()
        for engine in self._engines:
            engine.dispose()


def _make_heartbeat(link: "Link", data_dir: Path) -> "Heartbeat":
    from ari.storage.failover.heartbeat import Heartbeat

    return Heartbeat(link, data_dir)


def master_keys_of(settings: Settings) -> MasterKeys:
    """Where this instance has its master keys."""
    given = settings.master_key.get_secret_value() if settings.master_key else None
    return MasterKeys(settings.data_dir, given, settings.master_key_file)


def _read_credentials(settings: Settings) -> dict[str, Any]:
    """The user and password in the file of the database URL now; none if its URL can't be used."""
    from ari.storage.database_url import parse

    url = settings.current("database_url")
    try:
        return {} if url is None else parse(url.get_secret_value()).credentials
    except ConfigurationError as error:
        import structlog

        structlog.get_logger("ari.storage").warning(f"{error} The last user and password stay in use.")
        return {}
