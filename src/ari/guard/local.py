"""The local back end: verifies, decides limits and writes the usage log in this process, on an instance's data.

Only this module of the guard needs ARI's server, which is imported when the back end opens. The process that serves
``ari serve`` may run at the same time, or not at all; emails, retention and the audit log's upkeep are left to it.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ari.base.addresses import Network
from ari.base.clock import Clock, SystemClock
from ari.base.errors import ConfigurationError, Invalid, LimitExceeded, Unavailable, for_operator
from ari.base.events import Origin
from ari.base.extras import how_to_install
from ari.guard.backend import Admission, GuardRequest, refuse_all
from ari.guard.per_loop import PerLoop
from ari.guard.refusal import MISCONFIGURED, Refusal
from ari.guard.requirement import Requirement
from ari.guard.verified_key import describe_key
from ari.http.client_address import bucket_of, parse_address
from ari.http.problem import Fault, fault_of
from ari.http.verification import make_charge, verify_for_service
from ari.keys.checks import AccessRequest
from ari.keys.model import ApiKey, Refused, Verdict
from ari.keys.reasons import ACCEPTED, INSUFFICIENT_SCOPE, MISSING, Reason
from ari.keys.scopes import HOW_TO_DECLARE, find_not_built_in, holds
from ari.keys.verify import must_stamp
from ari.usage.model import UsageRow

if TYPE_CHECKING:
    from ari.base.settings import Settings
    from ari.http.expiry_stamper import ExpiryStamper
    from ari.http.secret_rehasher import SecretRehasher
    from ari.http.security_events import SecurityEvents
    from ari.http.usage_record import UsageRecord
    from ari.instance import Instance
    from ari.usage.fold_loop import FoldLoop
    from ari.usage.ports import KeyLookup

_MAX_TOKENS = 4
_GATHER_SECONDS = 60.0
"""Where no ``ari serve`` folds the log, this process does, seldom and much at once: it takes time from the app."""
_FOLDED_AT_ONCE = 4_000
"""A fork of the app waits for a fold that runs (``storage/forks.py``)."""
_STOP_SECONDS = 3.0
_NO_SERVER = f"Ari.local() runs ARI in this process, which needs its server. {how_to_install('server')}"
_log = logging.getLogger("ari.guard")


class _Engine(NamedTuple):
    """An open instance with the connections of one event loop."""

    instance: "Instance"
    lookup: "KeyLookup"
    rehasher: "SecretRehasher"
    stamper: "ExpiryStamper"
    events: "SecurityEvents"
    make_record: Callable[[float], "UsageRecord"]
    base_url: str
    fold_loop: "FoldLoop"
    fold_thread: threading.Thread


class LocalBackend:
    """Works on a data directory or a database, by default those of the environment (``ARI_DATA_DIR``, …)."""

    def __init__(
        self, data_dir: Path | None, database_url: str | None, trusted_proxies: Sequence[Network] = ()
    ) -> None:
        self.clock: Clock = SystemClock()
        self.trusted_proxies = trusted_proxies
        self._data_dir = data_dir
        self._database_url = database_url
        self._engines = PerLoop(self._open_engine, _close_engine)

    async def open(self, scopes: Sequence[str] = ()) -> None:
        engine = await self._engines.get()
        doubtful = find_not_built_in(scopes)
        try:
            undeclared = await engine.lookup.find_undeclared(doubtful) if doubtful else set()
        except Unavailable:
            return  # requests get a 503 until it is available
        if undeclared:
            _log.error("Scopes that this app requires aren't declared: %s. %s", ", ".join(undeclared), HOW_TO_DECLARE)

    async def close(self) -> None:
        await self._engines.close()

    def check(self, requirement: Requirement) -> None:
        """Every requirement can be kept."""

    async def admit(self, request: GuardRequest) -> Admission:
        engine = self._engines.find()
        if engine is None:
            try:
                engine = await self._engines.get()
            except Exception as error:  # noqa: BLE001 - nothing can be decided, whatever the reason
                _log.error("ARI's data can't be opened; requests get a 503. %s", error)
                return refuse_all(request)
        admission = _LocalAdmission(request, engine)
        try:
            await admission.decide()
        except (Unavailable, LimitExceeded) as error:
            if isinstance(error, Unavailable):
                _log.warning("A key can't be verified or logged. %s", for_operator(error))
            admission.refuse(fault_of(error))
        except Invalid as error:
            _log.error("The guard of %s %s is wrong. %s", request.head.method, request.route, error)
            admission.refuse(MISCONFIGURED)
        return admission

    async def _open_engine(self) -> _Engine:
        instance = await asyncio.to_thread(self._open_instance)
        self.clock = instance.clock
        try:
            return await _start(instance)
        except BaseException:
            instance.close()
            raise

    def _open_instance(self) -> "Instance":
        try:
            from ari.base.settings import load_settings  # noqa: PLC0415 - the extra "server"
            from ari.instance import Instance  # noqa: PLC0415 - as above
        except ImportError as error:
            raise ConfigurationError(_NO_SERVER) from error
        mask = os.umask(0o077)  # opening sets it for the process, whose other files are not ARI's
        try:
            settings: Settings = load_settings(data_dir=self._data_dir, database_url=self._database_url)
            return Instance.open(settings, must_exist=True)
        finally:
            os.umask(mask)


async def _start(instance: "Instance") -> _Engine:
    from ari import keys  # noqa: PLC0415 - commands
    from ari.deps import Deps  # noqa: PLC0415 - the extra "server"
    from ari.http.expiry_stamper import ExpiryStamper  # noqa: PLC0415 - as above
    from ari.http.secret_rehasher import SecretRehasher  # noqa: PLC0415 - as above
    from ari.http.security_events import SecurityEvents  # noqa: PLC0415 - as above
    from ari.http.usage_record import UsageRecord  # noqa: PLC0415 - as above
    from ari.usage.fold_loop import FoldLoop  # noqa: PLC0415 - as above

    lookup = await instance.open_lookup()
    await instance.usage.start()
    fold_loop = FoldLoop(instance.fold_store, gather_seconds=_GATHER_SECONDS, rows_at_once=_FOLDED_AT_ONCE)
    fold_thread = threading.Thread(target=fold_loop.run, name="ari fold loop", daemon=True)
    fold_thread.start()
    deps = Deps(instance)
    return _Engine(
        instance,
        lookup,
        SecretRehasher(deps),
        ExpiryStamper(partial(deps.do, keys.stamp_expired)),
        SecurityEvents(instance),
        partial(UsageRecord, instance.usage, instance.clock),
        instance.settings.base_url,
        fold_loop,
        fold_thread,
    )


async def _close_engine(engine: _Engine) -> None:
    """Each part is closed, whatever another raises: on a loop that is gone, some do."""
    async with AsyncExitStack() as parts:
        parts.callback(engine.instance.close)
        parts.push_async_callback(engine.lookup.close)
        parts.callback(engine.rehasher.close)
        await engine.instance.usage.stop()
        engine.fold_loop.stop()
        await asyncio.to_thread(engine.fold_thread.join, _STOP_SECONDS)


class _LocalAdmission(Admission):
    def __init__(self, request: GuardRequest, engine: _Engine) -> None:
        super().__init__(request, engine.base_url)
        self._engine = engine
        self._record = engine.make_record(request.started)

    async def decide(self) -> None:
        """Verify the key, begin its row and, where the handler acts, commit it.

        Raises ``Unavailable``, ``LimitExceeded``, and ``Invalid`` for an undeclared scope or an unknown limit.
        """
        verdict = await self._find()
        request, fault = self.request, self.request.fault
        if verdict is None or verdict.key is None:
            await self._refuse_stranger(verdict)
        else:
            if request.keys_in_url:
                head = request.head
                origin = Origin("api", request.client_address, head.user_agent, head.request_id)
                await self._engine.events.report_key_in_url(verdict.key, origin)
            if isinstance(verdict, Refused):
                await self._stamp(verdict)
                fault = fault or self._explain(verdict.reason, verdict.key)
            await self._begin(verdict.key, fault)

    async def _find(self) -> Verdict | None:
        request, verdict = self.request, None
        ask = AccessRequest(None, request.head.at_ms, request.requirement.scopes, request.client_address)
        for token in request.tokens[:_MAX_TOKENS]:
            verdict = await verify_for_service(self._engine.lookup, token, ask, self._engine.rehasher.rehash)
            if verdict.key is not None:
                break
        return verdict

    async def _refuse_stranger(self, verdict: Verdict | None) -> None:
        """Refuse a request without a key of this instance, which is counted by address."""
        fault = self.request.fault or Fault(MISSING)
        reason = fault.reason
        if isinstance(verdict, Refused):
            fault, reason = self.request.fault or Fault(verdict.reason), verdict.reason
        address = self.request.client_address
        bucket = bucket_of(parse_address(address) if address else None)
        await self._engine.instance.usage.count(reason.code, bucket, "guard")
        self.refuse(fault)

    def _explain(self, reason: Reason, key: ApiKey) -> Fault:
        scope = None
        if reason is INSUFFICIENT_SCOPE:
            scope = next((one for one in self.request.requirement.scopes if not holds(key.scopes, one)), None)
        return Fault(reason, scope=scope)

    async def _stamp(self, verdict: Refused) -> None:
        if must_stamp(verdict):
            await self._engine.stamper.stamp(self.request.head.at_ms)

    async def _begin(self, key: ApiKey, fault: Fault | None) -> None:
        request, requirement = self.request, self.request.requirement
        charge = make_charge(key.rule_owners, requirement.cost, requirement.limits) if fault is None else None
        head = request.head
        self._record.row = UsageRow(
            head.id,
            head.at_ms,
            head.request_id,
            key.id,
            key.used_hint,
            ACCEPTED if fault is None else fault.reason.code,
            head.method,
            request.route,
            head.raw_path.decode("latin-1"),
            request.client_address,
            head.user_agent,
            source="guard",
            secret_number=key.logged_secret,
            charge=charge,
        )
        if fault is not None:
            self.refuse(fault)
        elif charge is not None or not head.is_safe:
            try:
                await self._record.commit_before_handler()
            finally:
                self.decision = self._record.decision
        if self.refusal is None:
            self.key = describe_key(key)

    async def finish(self, status: int, length: int | None) -> Refusal | None:
        row = self._record.row
        if row is None:
            return None
        if self.refusal is not None and not self._record.is_committed:
            row.code = self.refusal.code  # also that of a second guard
        try:
            await self._record.commit(status, length)
        except (Unavailable, LimitExceeded) as error:
            _log.warning("A request can't be logged, so it gets a 503. %s", for_operator(error))
            self.refusal = None
            return self.refuse(fault_of(error))
        return None

    def complete(self, status: int) -> None:
        self._record.complete(status, None)
