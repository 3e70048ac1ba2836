"""From settings to an open database: files and their modes, engines, transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Engine, text

from ari.base.audit import Head, Mark
from ari.base.errors import ConfigurationError
from ari.base.master_key import MasterKeys
from ari.base.settings import Settings
from ari.base.signing import present_keys
from ari.storage.data_dir import prepare_data_dir
from ari.storage.database_url import parse
from ari.storage.dialect import order_writes, sqlite_engine
from ari.storage.faults import faults_as_unavailable, read_only
from ari.storage.finder import HotFinder, PostgresFinder, SqliteFinder
from ari.storage.inbox import Inbox
from ari.storage.points import Commits
from ari.storage.postgres_sessions import Sessions
from ari.storage.preflight import Server, examine
from ari.storage.provider_points import PostgresProviderFinder, ProviderFinder, SqliteProviderFinder
from ari.storage.settle import INBOX_CHECKPOINT_PAGES, Settler
from ari.storage.turn import write_turn
from ari.storage.unit import Unit
from ari.storage.usage import UsageTables
from ari.storage.usage_charts import UsageReports
from ari.storage.usage_watch import WatchedTables
from ari.storage.witness import Witness

__all__ = ["INBOX_FILE", "KEYS_FILE", "USAGE_FILE", "Database", "prepare_data_dir"]

KEYS_FILE = "ari.db"
USAGE_FILE = "usage.db"
INBOX_FILE = "usage-inbox.db"


class Database:
    """The keys database and the usage database: SQLite files, or one PostgreSQL database.

    Each has its own engine, since the usage log may be less durable than the keys (``ARI_USAGE_DURABILITY``). The log
    has a second file, its inbox, and ``settling`` is an engine on both.
    """

    def __init__(
        self,
        main: Engine,
        log: Engine,
        inbox: Engine,
        settling: Engine,
        settings: Settings,
        keys: MasterKeys | None = None,
        sessions: Sessions | None = None,
        server: Server | None = None,
    ) -> None:
        self.main = main
        order_writes(main)
        self.log = log
        self._engines = {id(engine): engine for engine in (main, log, inbox, settling)}.values()
        self.data_dir = data_dir = settings.data_dir
        self.master_keys = keys or master_keys_of(settings)
        self.witness = Witness(data_dir)
        self.sessions = sessions
        self.server = server
        self._verify_seconds = settings.verify_timeout_seconds
        sqlite = settings.database_url is None
        self.main_lock = data_dir / "ari.lock" if sqlite else None
        self.log_lock = data_dir / "usage.lock" if sqlite else None
        inbox_lock = data_dir / "inbox.lock" if sqlite else None
        files = [data_dir / INBOX_FILE, data_dir / USAGE_FILE] if sqlite else []
        self.settler = Settler(settling, self.log_lock, inbox, inbox_lock)
        self.usage = UsageTables(
            log, self.log_lock, Inbox(inbox, inbox_lock, files, self.settler.prepare), self.settler
        )
        self._commits = Commits()
        self.reports = UsageReports(log, self.usage.settle_all)
        self.watched = WatchedTables(log, self.usage.settle_all)

    @classmethod
    def open(cls, settings: Settings, keys: MasterKeys | None = None) -> "Database":
        """Open or prepare the database. Raises ``ConfigurationError`` when it or the data directory cannot serve.

        ``keys`` are the master keys, where they are not those of the settings' data directory. Nothing is created on a
        PostgreSQL server.
        """
        prepare_data_dir(settings.data_dir)
        if settings.database_url is None:
            keys_file, usage_file, inbox_file = (
                settings.data_dir / name for name in (KEYS_FILE, USAGE_FILE, INBOX_FILE)
            )
            durable = "FULL" if settings.usage_durability == "fsync" else "NORMAL"
            log = sqlite_engine(usage_file, durable)
            inbox = sqlite_engine(inbox_file, durable, checkpoint_pages=INBOX_CHECKPOINT_PAGES)
            settling = sqlite_engine(usage_file, durable, beside=inbox_file)
            return cls(sqlite_engine(keys_file, "FULL"), log, inbox, settling, settings, keys)
        try:
            sessions = Sessions(parse(settings.database_url.get_secret_value()), settings.database_pooler)
            server = examine(sessions)
            sessions = replace(sessions, few=server.pooled)
            main = sessions.engine()
            log = sessions.engine("on" if settings.usage_durability == "fsync" else "off")
        except ImportError:
            raise ConfigurationError(
                "PostgreSQL needs its driver: install the extra, pip install 'ari-keys[postgres]'."
            ) from None
        settling = log.execution_options(isolation_level="REPEATABLE READ")
        return cls(main, log, log, settling, settings, keys, sessions, server)

    @contextmanager
    def writing(self) -> Iterator[Unit]:
        """One write transaction, committed at the end. Database faults become ``Unavailable``."""
        with faults_as_unavailable(), write_turn(self.main_lock):
            try:
                with self.main.begin() as connection:
                    unit = Unit(connection, self.master_keys, writing=True)
                    yield unit
                    signed = self._sign(unit)
                if signed is not None:
                    self.witness.keep(signed)
            finally:
                self._commits.count += 1

    @contextmanager
    def reading(self) -> Iterator[Unit]:
        """One read-only snapshot."""
        with faults_as_unavailable(), read_only(self.main) as connection:
            yield Unit(connection, self.master_keys, writing=False)

    def _sign(self, unit: Unit) -> Mark | None:
        """Sign the head; the one to keep as witness, unless the kept one shows that this database is not the one it
        was."""
        before = unit.events.marks.head() if unit.events.is_changed else None
        signed = unit.events.sign()
        kept = None if signed is None else self.witness.read()
        if kept is None or unit.events.is_accepted or (before is not None and before.text == kept.text):
            return signed
        head = Head.parse(kept.text)
        ours = kept.trust(present_keys(self.master_keys)) == "ours"
        return signed if head is None or not ours or unit.events.marks.contains(head) else None

    def ping(self) -> None:
        """Raise ``Unavailable`` unless the database answers, and would take what a request adds to the usage log."""
        with faults_as_unavailable():
            for engine in {id(one): one for one in (self.main, self.log)}.values():
                with read_only(engine) as connection:
                    connection.execute(text("SELECT 1 FROM notes LIMIT 1" if engine is self.main else "SELECT 1"))
        self.usage.check()

    @property
    def shared(self) -> bool:
        """Whether keys and usage are in one PostgreSQL database."""
        return self.sessions is not None

    async def open_finder(self, patience_seconds: float | None = None) -> HotFinder:
        """The hot path's own connections; without ``patience_seconds``, as patient as a verification."""
        if self.sessions is None:
            return SqliteFinder(self.data_dir / KEYS_FILE, self.data_dir / USAGE_FILE, self._commits)
        return PostgresFinder(self.sessions, patience_seconds or self._verify_seconds)

    def provider_finder(self) -> ProviderFinder:
        """What the gateway asks for each request; connects when it is first asked."""
        if self.sessions is None:
            return SqliteProviderFinder(self.data_dir / KEYS_FILE, self._commits)
        return PostgresProviderFinder(self.sessions, self._verify_seconds)

    def close(self) -> None:
        """Let all connections go."""
        self.usage.close()
        for engine in self._engines:
            engine.dispose()


def master_keys_of(settings: Settings) -> MasterKeys:
    """Where this instance has its master keys."""
    given = settings.master_key.get_secret_value() if settings.master_key else None
    return MasterKeys(settings.data_dir, given, settings.master_key_file)
