"""The composition root: settings → adapters → concepts. Wires, decides nothing; the object that embedders hold."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Sequence
from typing import Self, TypeVar

from ari.accounts.password import PasswordHasherPool
from ari.base.clock import Clock, system_clock
from ari.base.errors import ConfigurationError, Unavailable, for_operator
from ari.base.settings import Settings
from ari.integrations.environment import ProviderEnvironment, read_environment
from ari.integrations.ports import Prober
from ari.outbound.mail import CurrentMailService
from ari.outbound.probe import HttpProber
from ari.storage import migrate as migrations
from ari.storage.audit_log.walk import AuditLogCheck
from ari.storage.checkup import check_audit_log, try_verifying
from ari.storage.engine import Database
from ari.storage.failover.history import WentBack
from ari.usage.model import KeyClient, KeyTotals
from ari.usage.ports import KeyLookup
from ari.usage.recorder import UsageRecorder

T = TypeVar("T")
SLOW_SECONDS = 2.0
"""After this time a short-lived process watches the database server, which may hang or wait for its standby."""
ANSWER_SECONDS = 15.0
"""How long a request waits for the database outside verification: longer than the waits of a healthy one add up to."""


class Instance:
    """One ARI: its settings, clock, database, usage log and password hasher.

    ``given`` are the provider keys of the environment, where they were read before and are there no more.
    """

    def __init__(
        self, settings: Settings, clock: Clock, database: Database, given: ProviderEnvironment | None = None
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.database = database
        database.clock = clock
        self.passwords = PasswordHasherPool()
        self.master_keys = database.master_keys
        self.prober: Prober = HttpProber()
        self._given = given
        self._environment: ProviderEnvironment | None = None
        self.mail = CurrentMailService(settings, lambda: self.provider_environment)
        self.mail_is_due = asyncio.Event()
        self.lookup: KeyLookup | None = None
        """What verifications ask, once this process serves."""
        self._checks: dict[str, tuple[float, asyncio.Future[None]]] = {}
        self.usage = UsageRecorder(database.usage, clock, settings, self.free_disk_bytes)

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        migrate: bool = False,
        check: bool = True,
        given: ProviderEnvironment | None = None,
    ) -> Self:
        """Open the instance. Raises ``ConfigurationError`` if its database is not this version's.

        ``migrate`` first applies what is missing. Without ``check`` the database is not asked yet.
        """
        database = Database.open(settings)
        try:
            if migrate:
                database.watch(SLOW_SECONDS)
                migrations.migrate(database)
            elif check:
                migrations.check(database)
        except BaseException:
            database.close()
            raise
        return cls(settings, system_clock(settings.test_clock_file), database, given)

    def now_ms(self) -> int:
        """The present instant."""
        return self.clock.now_ms()

    @property
    def provider_environment(self) -> ProviderEnvironment:
        """The provider keys of the environment, read when first wanted. Raises ``ConfigurationError``."""
        if self._environment is None:
            given = self._given or read_environment(os.environ)
            self._environment = given.allow_addresses(self.settings.ai_private_addresses)
        return self._environment

    def free_disk_bytes(self) -> int:
        """The free bytes on the data directory's disk."""
        return shutil.disk_usage(self.settings.data_dir).free

    async def read_totals(self, key_ids: Sequence[str]) -> dict[str, KeyTotals]:
        """What these keys were used for in all."""
        return await in_time(asyncio.to_thread(self.database.usage.totals, key_ids))

    async def read_clients(self, key_id: str, limit: int) -> tuple[list[KeyClient], list[KeyClient]]:
        """From which addresses and by which user agents a key was used, last seen first."""
        log = self.database.usage
        return await in_time(asyncio.to_thread(lambda: (log.addresses(key_id, limit), log.agents(key_id, limit))))

    async def check_ready(self, asked_as: str = "ready") -> None:
        """Raise ``Unavailable`` unless a verification would work now.

        The database is asked at most once a second for each name under which it is checked.
        """
        now = self.clock.monotonic()
        began, checking = self._checks.get(asked_as, (now - 1, None))
        if checking is None or (checking.done() and now - began >= 1):
            checking = asyncio.ensure_future(self._ask_lookup_and_database())
            self._checks[asked_as] = (now, checking)
        await in_time(asyncio.shield(checking))

    async def _ask_lookup_and_database(self) -> None:
        if self.lookup is not None:
            await self.lookup.check()
        await asyncio.to_thread(self.database.ping)

    def check_audit_log(self) -> AuditLogCheck:
        """Walk the whole audit log and compare it with its signed head."""
        return check_audit_log(self.database)

    def prove_verification(self) -> None:
        """Do once, before serving, what every verification does.

        Raises ``ConfigurationError`` if it fails, ``WentBack`` where the database is not trusted.
        """
        try:
            try_verifying(self.database)
        except WentBack:
            raise
        except Unavailable as error:
            raise ConfigurationError(for_operator(error)) from None

    async def stamp_expired(self, seen_at_ms: int = 0) -> int:
        """Stamp every key that is expired now, or was at ``seen_at_ms``: a clock set back revives none; how many."""
        return await in_time(asyncio.to_thread(self._stamp_expired_sync, seen_at_ms))

    def _stamp_expired_sync(self, seen_at_ms: int) -> int:
        with self.database.writing() as tx:
            return tx.keys.stamp_expired(max(seen_at_ms, self.now_ms()))

    def close(self) -> None:
        """Let everything go."""
        self.passwords.close()
        self.database.close()


async def in_time(work: Awaitable[T], otherwise: str = "try again") -> T:
    """The result of ``work``. Raises ``Unavailable`` after ``ANSWER_SECONDS``, where a database hangs."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await work
    except TimeoutError:
        raise Unavailable(f"The database did not respond in time; {otherwise}.") from None
