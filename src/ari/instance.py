"""The composition root: settings → adapters → concepts. Wires, decides nothing; the object that embedders hold."""
# Imports inside functions here: the command line starts without the log's formatter (0.06 s).

import asyncio
import os
import shutil
from functools import partial
from typing import Self

from ari.accounts.password import PasswordHasherPool
from ari.base.clock import Clock, system_clock
from ari.base.errors import ConfigurationError
from ari.base.settings import Settings
from ari.integrations.environment import ProviderEnvironment, read_environment
from ari.integrations.key_rests import find_rest_end, make_key_rests
from ari.integrations.ports import Prober
from ari.keys.ports import AlertKeys
from ari.outbound.github_keys import GitHubKeys
from ari.outbound.mail import CurrentMailService
from ari.outbound.probe import HttpProber
from ari.storage import migrate as migrations
from ari.storage.backup.write import write_backup
from ari.storage.checkup import check_audit_log
from ari.storage.engine import KEYS_FILE, Database
from ari.storage.lookups.ai_rules import AiRulesLookup
from ari.storage.lookups.providers import ProviderLookup
from ari.usage.measured_lookup import MeasuredLookup
from ari.usage.measured_store import MeasuredStore
from ari.usage.ports import FoldStore, KeyLookup, UsageReader, UsageRecords
from ari.usage.readiness import Readiness
from ari.usage.recorder import UsageRecorder
from ari.usage.reports.key_use import KeyUse
from ari.usage.watch.ports import BudgetWarnings, WatchedUse

SLOW_SECONDS = 2.0
"""After this time a short-lived process watches the database server, which may hang or wait for its standby."""


class Instance:
    """One ARI: its settings, clock, adapters and ports. Doors use the ports, ``Deps`` and nothing of ``database``.

    ``given`` are the provider keys of the environment, where they were read before and are there no more.
    """

    def __init__(
        self, settings: Settings, clock: Clock, database: Database, given: ProviderEnvironment | None = None
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.database = database
        self.metrics = database.metrics
        database.clock = clock
        self.passwords = PasswordHasherPool()
        self.master_keys = database.master_keys
        self.prober: Prober = HttpProber()
        self.key_rests = make_key_rests()
        self.find_rest_end = partial(find_rest_end, self.key_rests, clock)
        keys_url = settings.github_keys_url
        self.github_keys: AlertKeys | None = None if keys_url is None else GitHubKeys(keys_url, clock.monotonic)
        self._given = given
        self._environment: ProviderEnvironment | None = None
        self.mail = CurrentMailService(settings, lambda: self.provider_environment)
        self.mail_is_due = asyncio.Event()
        measured = MeasuredStore(database.usage, database.metrics)
        self.usage = UsageRecorder(measured, clock, settings, lambda: shutil.disk_usage(settings.data_dir).free)
        self.fold_store: FoldStore = database.usage
        self.usage_records: UsageRecords = database.usage
        self.key_use: KeyUse = database.usage
        self.reports: UsageReader = database.reports
        self.watched_use: WatchedUse = database.watched
        self.budget_warnings: BudgetWarnings = database.budget_warnings
        self.readiness = Readiness(clock, database.ping, database.usage.backlog)
        self.check_audit_log = partial(check_audit_log, database)
        self.write_backup = partial(write_backup, database)

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        migrate: bool = False,
        check: bool = True,
        must_exist: bool = False,
        watch: bool = False,
        given: ProviderEnvironment | None = None,
    ) -> Self:
        """Open the instance. Raises ``ConfigurationError`` if its database is not this version's.

        ``migrate`` first applies what is missing. Without ``check`` the database is not asked yet. With ``must_exist``
        no data directory is created. ``watch`` is for processes that don't serve: they notice a server that hangs.
        """
        if must_exist and settings.database_url is None and not (settings.data_dir / KEYS_FILE).exists():
            raise ConfigurationError(f"No ARI data in {settings.data_dir}. Run ari serve there to create it.")
        database = Database.open(settings)
        try:
            if migrate:
                database.watch(SLOW_SECONDS)
                import structlog  # noqa: PLC0415 - see above

                migrations.migrate(database, structlog.get_logger("ari.instance").warning)
            elif check:
                migrations.check(database)
            if watch:
                database.watch(SLOW_SECONDS)
        except BaseException:
            database.close()
            raise
        return cls(settings, system_clock(settings.test_clock_file), database, given)

    def now_ms(self) -> int:
        """The present instant."""
        return self.clock.now_ms()

    @property
    def provider_environment(self) -> ProviderEnvironment:
        """The provider keys of the environment, read when first wanted, and again where a key's file changes.

        Raises ``ConfigurationError``.
        """
        if self._environment is None:
            given = self._given or read_environment(os.environ)
            self._environment = given.allow_addresses(self.settings.ai_private_addresses)
        self._environment = self._environment.refresh()
        return self._environment

    async def open_lookup(self) -> KeyLookup:
        """Open the hot path's own connections. From now on the database server is watched."""
        return MeasuredLookup(await self.database.open_lookup(), self.metrics)

    def open_provider_lookup(self) -> ProviderLookup:
        """Open the gateway's lookup, which connects at its first request."""
        return self.database.provider_lookup()

    def open_ai_rules_lookup(self) -> AiRulesLookup:
        """Open the gateway's lookup of the rules for AI requests, which connects at its first request."""
        return self.database.ai_rules_lookup()

    def close_connections(self) -> None:
        """Close the database's connections; the next use opens new ones. None may cross a fork."""
        self.database.close()

    def close(self) -> None:
        """Close everything."""
        self.passwords.close()
        self.database.close()
