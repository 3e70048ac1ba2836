"""The composition root: settings → adapters → concepts. Wires, decides nothing; the object that embedders hold."""
# Imports inside functions here: a command of the terminal imports the parts that it uses.
# ruff: noqa: PLC0415

import os
import shlex
import shutil
import threading
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ari.base.backup_setting_types import S3
from ari.base.clock import Clock, system_clock
from ari.base.errors import ConfigurationError
from ari.base.settings import Settings
from ari.storage.engine import Database
from ari.storage.pending_restore import has_instance

if TYPE_CHECKING:
    import asyncio
    from typing import IO

    from ari.accounts.password import PasswordHasherPool
    from ari.backups.ports import BackupTarget
    from ari.base.traces import Tracer
    from ari.integrations.environment import ProviderEnvironment
    from ari.integrations.key_rests import KeyRest, KeyRests
    from ari.integrations.model import ProviderKey
    from ari.integrations.ports import Prober
    from ari.keys.ports import AlertKeys
    from ari.outbound.mail import CurrentMailService
    from ari.storage.audit_log.walk import AuditLogCheck
    from ari.storage.backup.trial import BackupFiles
    from ari.storage.backup.write import Progress, Written
    from ari.storage.lookups.ai_rules import AiRulesLookup
    from ari.storage.lookups.providers import ProviderLookup
    from ari.usage.ports import FoldStore, KeyLookup, ThreadKeyLookup, UsageReader, UsageRecords
    from ari.usage.readiness import Readiness
    from ari.usage.recorder import UsageRecorder
    from ari.usage.reports.key_use import KeyUse
    from ari.usage.watch.ports import BudgetWarnings, WatchedUse
    from ari.webhooks.ports import WebhookSender

SLOW_SECONDS = 2.0
"""After this time a short-lived process watches the database server, which may hang or wait for its standby."""


def find_missing_data(settings: Settings) -> Path | None:
    """The data directory, if the settings lead to one without an instance."""
    return settings.data_dir if settings.database_url is None and not has_instance(settings.data_dir) else None


class Instance:
    """One ARI: its settings, clock, adapters and ports. Doors use the ports, ``Deps`` and nothing of ``database``.

    ``given`` are the provider keys of the environment, where they were read before and are there no more.
    """

    def __init__(
        self, settings: Settings, clock: Clock, database: Database, given: "ProviderEnvironment | None" = None
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.database = database
        self.metrics = database.metrics
        database.clock = clock
        self.master_keys = database.master_keys
        self._given = given
        self._environment: ProviderEnvironment | None = None
        self.fold_store: FoldStore = database.usage
        self.tracer: Tracer | None = None
        self.stopping = threading.Event()
        """Whether this process was asked to stop: requests that wait for something should end."""
        self.usage_records: UsageRecords = database.usage
        self.key_use: KeyUse = database.usage
        self.reports: UsageReader = database.reports
        self.budget_warnings: BudgetWarnings = database.budget_warnings

    @cached_property
    def passwords(self) -> "PasswordHasherPool":
        from ari.accounts.password import PasswordHasherPool

        return PasswordHasherPool()

    @cached_property
    def prober(self) -> "Prober":
        from ari.outbound.probe import HttpProber

        return HttpProber()

    @cached_property
    def key_rests(self) -> "KeyRests":
        from ari.integrations.key_rests import KeyRests

        return KeyRests()

    @cached_property
    def find_rest(self) -> "Callable[[ProviderKey], KeyRest | None]":
        from ari.integrations.key_rests import find_rest

        return partial(find_rest, self.key_rests, self.clock)

    @cached_property
    def github_keys(self) -> "AlertKeys | None":
        from ari.outbound.github_keys import GitHubKeys

        url = self.settings.github_keys_url
        return None if url is None else GitHubKeys(url, self.clock.monotonic)

    @cached_property
    def mail(self) -> "CurrentMailService":
        from ari.outbound.mail import CurrentMailService

        return CurrentMailService(self.settings, lambda: self.provider_environment)

    @cached_property
    def mail_is_due(self) -> "asyncio.Event":
        import asyncio

        return asyncio.Event()

    @cached_property
    def webhook_sender(self) -> "WebhookSender":
        from ari.outbound.webhooks import HttpWebhookSender

        return HttpWebhookSender()

    @cached_property
    def webhooks_are_due(self) -> "asyncio.Event":
        import asyncio

        return asyncio.Event()

    @cached_property
    def usage(self) -> "UsageRecorder":
        from ari.usage.measured_store import MeasuredStore
        from ari.usage.recorder import UsageRecorder

        recorder = UsageRecorder
        if self.settings.traces != "off":
            from ari.usage.traced import TracedRecorder

            recorder = TracedRecorder
        measured = MeasuredStore(self.database.usage, self.metrics)
        return recorder(measured, self.clock, self.settings, lambda: shutil.disk_usage(self.settings.data_dir).free)

    def open_thread_lookup(self) -> "ThreadKeyLookup | None":
        """Open the lookup of threads without an event loop; ``None`` where reads wait. Nothing of it is counted."""
        return self.database.open_thread_lookup()

    @cached_property
    def watched_use(self) -> "WatchedUse":
        return self.database.watched

    @cached_property
    def readiness(self) -> "Readiness":
        from ari.usage.readiness import Readiness

        return Readiness(self.clock, self.database.ping, self.database.usage.backlog)

    @cached_property
    def check_audit_log(self) -> "Callable[..., AuditLogCheck]":
        from ari.storage.checkup import check_audit_log

        return partial(check_audit_log, self.database)

    @cached_property
    def write_backup(self) -> "Callable[[IO[bytes], int, Progress], Written]":
        from ari.storage.backup.write import write_backup

        return partial(write_backup, self.database)

    @cached_property
    def read_instance_id(self) -> "Callable[[int], str]":
        from ari.storage.backup.write import read_instance_id

        return partial(read_instance_id, self.database)

    @cached_property
    def backup_files(self) -> "BackupFiles":
        from ari.storage.backup.trial import BackupFiles

        return BackupFiles(self.settings)

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        migrate: bool = False,
        check: bool = True,
        must_exist: bool = False,
        watch: bool = False,
        report: Callable[[str], None] | None = None,
        given: "ProviderEnvironment | None" = None,
    ) -> Self:
        """Open the instance. Raises ``ConfigurationError`` if its database is not this version's.

        ``migrate`` first applies what is missing. Without ``check`` the database is not asked yet. With ``must_exist``
        no data directory is created. ``watch`` is for processes that don't serve: they notice a server that hangs.
        With ``report``, which is called with a sentence, an empty database waits for the first start of a server.
        """
        missing = find_missing_data(settings) if must_exist else None
        if missing is not None:
            raise ConfigurationError(
                f"No ARI data in {missing}. If ARI is starting there for the first time, try again in a "
                f"moment. Otherwise, create it: ari migrate --data-dir {shlex.quote(str(missing))}"
            )
        database = Database.open(settings)
        from ari.storage import migrate as migrations

        try:
            if migrate:
                database.watch(SLOW_SECONDS)
                import structlog

                migrations.migrate(database, structlog.get_logger("ari.instance").warning)
            elif check:
                migrations.check(database, report)
            if watch:
                database.watch(SLOW_SECONDS)
        except BaseException:
            database.close()
            raise
        return cls(settings, system_clock(settings.test_clock_file), database, given)

    def make_parts(self) -> None:
        """Make every part now, for a process that serves: no request waits for an import."""
        for name, part in vars(type(self)).items():
            if isinstance(part, cached_property):
                getattr(self, name)

    def trace_with(self, tracer: "Tracer") -> None:
        """Record what this process does from now on; before it serves."""
        from ari.usage.traced import TracedFoldStore

        self.tracer = tracer
        self.fold_store = TracedFoldStore(self.fold_store, tracer)

    def now_ms(self) -> int:
        """The present instant."""
        return self.clock.now_ms()

    @property
    def provider_environment(self) -> "ProviderEnvironment":
        """The provider keys of the environment, read when first wanted, and again where a key's file changes.

        Raises ``ConfigurationError``.
        """
        if self._environment is None:
            from ari.integrations.environment import read_environment

            given = self._given or read_environment(os.environ)
            self._environment = given.allow_addresses(self.settings.ai_private_addresses)
        self._environment = self._environment.refresh()
        return self._environment

    async def open_lookup(self) -> "KeyLookup":
        """Open the hot path's own connections. From now on the database server is watched."""
        from ari.usage.measured_lookup import MeasuredLookup

        if self.tracer is not None:
            from ari.usage.traced import TracedLookup

            return TracedLookup(await self.database.open_lookup(), self.metrics)
        return MeasuredLookup(await self.database.open_lookup(), self.metrics)

    def open_provider_lookup(self) -> "ProviderLookup":
        """Open the gateway's lookup, which connects at its first request."""
        return self.database.provider_lookup()

    def open_ai_rules_lookup(self) -> "AiRulesLookup":
        """Open the gateway's lookup of the rules for AI requests, which connects at its first request."""
        return self.database.ai_rules_lookup()

    def close_connections(self) -> None:
        """Close the database's connections; the next use opens new ones. None may cross a fork."""
        self.database.close()

    def close(self) -> None:
        """Close everything."""
        if "passwords" in vars(self):
            self.passwords.close()
        self.database.close()


def open_backup_target(settings: Settings, place: str) -> "BackupTarget":
    """Where backups are kept: a directory, or a bucket with ``s3://``. Removes nothing.

    Raises ``ConfigurationError`` for settings that can't be right, and ``Unavailable`` if the place is away.
    """
    if not place.startswith(S3):
        from ari.storage.backup.directory import open_directory

        return open_directory(settings, place)
    from ari.outbound.s3 import S3Target, split_s3_url
    from ari.storage.backup.trial import BackupFiles

    return S3Target(settings, *split_s3_url(place), BackupFiles(settings).prepare_work())
