"""Decisions of the local back end about single requests."""

import logging
from typing import TYPE_CHECKING

from ari.base.errors import Invalid, LimitExceeded, Unavailable, for_operator
from ari.base.events import Origin
from ari.guard.backend import Admission, GuardRequest
from ari.guard.calling_thread import CallingThreads, run_at_once
from ari.guard.local_engine import LocalEngine
from ari.guard.refusal import MISCONFIGURED, Refusal
from ari.guard.verified_key import describe_key
from ari.http.client_address import bucket_of, parse_address
from ari.http.problem import Fault, fault_of
from ari.http.verification import make_charge, verify_for_service
from ari.keys.checks import AccessRequest
from ari.keys.model import ApiKey, Granted, Refused, Verdict
from ari.keys.reasons import ACCEPTED, INSUFFICIENT_SCOPE, MISSING, Reason
from ari.keys.scopes import holds
from ari.keys.verify import Rehash, must_stamp
from ari.usage.model import UsageRow

if TYPE_CHECKING:
    from ari.usage.ports import KeyLookup

_MAX_TOKENS = 4
_log = logging.getLogger("ari.guard")
_WRONG = "The guard of %s %s is wrong. %s Request ID: %s"


class LocalAdmission(Admission):
    """Decided and logged on the event loop that opened the engine."""

    def __init__(self, request: GuardRequest, engine: LocalEngine) -> None:
        super().__init__(request, engine.public_url)
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
        return await self._find_in(self._engine.lookup, self._engine.rehasher.rehash)

    async def _find_in(self, lookup: "KeyLookup", rehash: Rehash | None) -> Verdict | None:
        request, verdict = self.request, None
        ask = AccessRequest(None, request.head.at_ms, request.requirement.scopes, request.client_address)
        for token in request.tokens[:_MAX_TOKENS]:
            verdict = await verify_for_service(lookup, token, ask, rehash)
            if verdict.key is not None:
                break
        return verdict

    def refuse_for(self, error: Unavailable | LimitExceeded | Invalid) -> None:
        """Refuse the request because of an error of the decision, which the log of the service says."""
        request = self.request
        if isinstance(error, Invalid):
            _log.error(_WRONG, request.head.method, request.route, error, request.head.request_id)
            self.refuse(MISCONFIGURED)
            return
        if isinstance(error, Unavailable):
            _log.warning("A key can't be verified or logged. %s", for_operator(error))
        self.refuse(fault_of(error))

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


class ThreadAdmission(LocalAdmission):
    """Decided and logged on the threads that call; its coroutines wait for no event loop."""

    runs_at_once = True

    def __init__(self, request: GuardRequest, engine: LocalEngine, threads: CallingThreads) -> None:
        super().__init__(request, engine)
        self._record.recorder = threads.writer
        self._lookup = threads.lookup

    def try_to_admit(self) -> bool:
        """Admit the request if its key is accepted and has no limits; else do nothing and return ``False``.

        Everything else waits for the event loop, which then decides about the whole request. Raises ``Unavailable``,
        and ``Invalid`` for an undeclared scope.
        """
        if self.request.requirement.limits is not None:
            return False
        verdict = self._lookup.run(lambda lookup: run_at_once(self._find_in(lookup, None)))
        if not isinstance(verdict, Granted) or verdict.key.rule_owners:
            return False
        run_at_once(self._begin(verdict.key, None))
        return True
