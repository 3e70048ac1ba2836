"""The composition root: settings → adapters → concepts. Wires, decides nothing; the object that embedders hold."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Sequence
from typing import Self, TypeVar

from ari.accounts.password import PasswordHasherPool
from ari.base.caller import Caller
from ari.base.clock import Clock, system_clock
from ari.base.errors import ConfigurationError, Conflict, Unavailable, for_operator
from ari.base.ids import new_id
from ari.base.settings import Settings
from ari.integrations.credentials import find_mail_credential
from ari.integrations.environment import ProviderEnvironment, read_environment
from ari.integrations.model import Credential
from ari.integrations.ports import Prober
from ari.notifications import manage as notifications
from ari.notifications.manage import TestEmailResult
from ari.notifications.model import RESEND_FROM, MailConfig
from ari.outbound.email_html import render_html
from ari.outbound.mail import sender_of
from ari.outbound.probe import HttpProber
from ari.storage import migrate as migrations
from ari.storage.checkup import audit_trail, try_verifying
from ari.storage.engine import Database
from ari.storage.failover.history import WentBack
from ari.storage.lookups.keys import KeyLookup
from ari.storage.trail.walk import Trail
from ari.storage.transaction import Transaction
from ari.usage.model import KeyClient, KeyTotals
from ari.usage.ports import UsageReader
from ari.usage.recorder import UsageRecorder

T = TypeVar("T")
TEST_MAIL_SECONDS = 12.0
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
        self.mail_config = mail_config_of(settings)
        self.mail = sender_of(settings)
        self.render_html = render_html
        self._mails_by: Credential | None = None
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
            self._environment = given.allowing(self.settings.ai_private_addresses)
        return self._environment

    def free_disk_bytes(self) -> int:
        """What the disk of the data directory has left."""
        return shutil.disk_usage(self.settings.data_dir).free

    def command(self, caller: Caller, work: Callable[[Transaction, Caller], T]) -> T:
        """Do ``work`` in one write transaction in which the caller was found alive (security.md 12).

        Raises ``CallerRevoked``, ``Unavailable`` and what the work raises; then nothing is written.
        """
        from ari.deps import Deps  # noqa: PLC0415 - until every door uses Deps

        return Deps(self, caller).do_sync(lambda unit: work(unit, unit.caller))

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Do ``work`` in a read-only snapshot."""
        with self.database.reading() as unit:
            return work(unit)

    async def acommand(self, caller: Caller, work: Callable[[Transaction, Caller], T]) -> T:
        """``command`` in a thread. After ``ANSWER_SECONDS`` the outcome is unknown: ``Unavailable`` says so."""
        return await in_time(asyncio.to_thread(self.command, caller, work), "the change may still be made")

    async def aread(self, work: Callable[[Transaction], T]) -> T:
        """``read`` in a thread."""
        return await in_time(asyncio.to_thread(self.read, work))

    async def atotals(self, key_ids: Sequence[str]) -> dict[str, KeyTotals]:
        """What these keys were used for in all."""
        return await in_time(asyncio.to_thread(self.database.usage.totals, key_ids))

    async def aseen(self, key_id: str, limit: int) -> tuple[list[KeyClient], list[KeyClient]]:
        """From which addresses and by which user agents a key was used, last seen first."""
        log = self.database.usage
        return await in_time(asyncio.to_thread(lambda: (log.addresses(key_id, limit), log.agents(key_id, limit))))

    async def areport(self, work: Callable[[UsageReader], T]) -> T:
        """Do ``work`` on the reports of the usage log."""
        return await in_time(asyncio.to_thread(work, self.database.reports))

    def look_for_mail_key(self) -> None:
        """Take up the Resend key that Settings > Integrations keeps, or its end, where no setting says how to mail."""
        if self.settings.resend_api_key is not None or self.settings.smtp_url is not None:
            return
        found = self.read(lambda tx: find_mail_credential(tx, self.provider_environment))
        if found != self._mails_by:
            self._mails_by = found
            self.mail = sender_of(self.settings, found)
            self.mail_config = mail_config_of(self.settings, by_resend=found is not None)

    async def alook_for_mail_key(self) -> None:
        """``look_for_mail_key`` in a thread."""
        await in_time(asyncio.to_thread(self.look_for_mail_key))

    async def asend_test_mail(self, caller: Caller) -> TestEmailResult:
        """Send the owner a test email and return the result, within ``TEST_MAIL_SECONDS``.

        Raises ``Conflict("mail_off")`` if email isn't set up, and what ``begin_test`` raises.
        """
        await self.alook_for_mail_key()
        if self.mail is None:
            raise Conflict(
                "mail_off",
                "Email isn't set up. Add a Resend key under Settings > Integrations, or set RESEND_API_KEY or "
                "ARI_SMTP_URL and restart ARI.",
            )
        recipient = await self.acommand(caller, lambda tx, _: notifications.begin_test(tx))
        began = self.clock.monotonic()
        email = notifications.compose_test(self.mail_config, recipient, self.render_html)
        sent = await self.mail.send(email, new_id("ntc", self.now_ms()), TEST_MAIL_SECONDS)
        seconds = self.clock.monotonic() - began
        return await self.acommand(caller, lambda tx, _: notifications.finish_test(tx, sent, recipient, seconds))

    async def acheck_ready(self, asked_as: str = "ready") -> None:
        """Raise ``Unavailable`` unless a verification would work now.

        The database is asked at most once a second for each name under which it is checked.
        """
        now = self.clock.monotonic()
        began, checking = self._checks.get(asked_as, (now - 1, None))
        if checking is None or (checking.done() and now - began >= 1):
            checking = asyncio.ensure_future(self._check_ready())
            self._checks[asked_as] = (now, checking)
        await in_time(asyncio.shield(checking))

    async def _check_ready(self) -> None:
        if self.lookup is not None:
            await self.lookup.check()
        await asyncio.to_thread(self.database.ping)

    def check_audit_trail(self) -> Trail:
        """Walk the whole audit trail and compare it with its signed head."""
        return audit_trail(self.database)

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

    async def astamp_expired(self, seen_at_ms: int = 0) -> int:
        """Stamp every key that is expired now, or was at ``seen_at_ms``: a clock set back revives none; how many."""
        return await in_time(asyncio.to_thread(self._stamp_expired, seen_at_ms))

    def _stamp_expired(self, seen_at_ms: int) -> int:
        with self.database.writing() as unit:
            return unit.keys.stamp_expired(max(seen_at_ms, self.now_ms()))

    def close(self) -> None:
        """Let everything go."""
        self.passwords.close()
        self.database.close()


def mail_config_of(settings: Settings, *, by_resend: bool = False) -> MailConfig:
    """How this instance sends email; ``by_resend``: with a stored Resend key."""
    sender = "smtp" if settings.smtp_url else "resend" if settings.resend_api_key or by_resend else None
    return MailConfig(sender, settings.mail_from or RESEND_FROM, settings.public_url, settings.time_zone)


async def in_time(work: Awaitable[T], otherwise: str = "try again") -> T:
    """The result of ``work``. Raises ``Unavailable`` after ``ANSWER_SECONDS``, where a database hangs."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await work
    except TimeoutError:
        raise Unavailable(f"The database did not answer in time; {otherwise}.") from None
