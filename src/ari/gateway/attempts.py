"""The attempts of one request: with the other keys of its provider, then with the other targets of its alias.

Another attempt follows only where the provider surely did nothing: it responded with 429 or rejected its key, or no
connection was made. After a timeout, a lost connection or a 5xx it may have done the work, so the caller decides
whether to repeat it.
"""

from collections.abc import Callable, Sequence

import msgspec

from ari.base.errors import Conflict, NotFound
from ari.gateway import provider_errors
from ari.gateway.costs import NOT_SENT
from ari.gateway.key_rotation import parse_retry_after
from ari.gateway.keyring import Keyring, NoKeyLeft, ResolvedCredential
from ari.gateway.provider_response import ProviderResponse
from ari.gateway.provider_status import ProviderStatus
from ari.gateway.route import Target
from ari.gateway.target_plan import PlannedTarget
from ari.http.context import RequestContext
from ari.http.problem import Fault
from ari.integrations.model import Provider
from ari.outbound.http import OutboundFault

MAX_ATTEMPTS = 4
"""Calls of providers for one request."""
TOO_MANY_REQUESTS = 429
_NO_KEY = "no_key"
"""Why a target is skipped that isn't set up, or whose keys are all limited or rejected."""


class ProviderCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call, as the usage log stores it. ``key`` is the id of a stored key, ``status`` ``None`` without a response.

    ``model`` is known where an alias chose it. ``ms`` is the time from the call to its response, or to its failure.
    ``skipped`` is the code of the reason why an alias's target was not called.
    """

    provider: str
    model: str | None
    key: str | None
    status: int | None
    ms: float
    skipped: str | None = None


class TryAgain:
    """Call a provider once more."""


def find_consumer(context: RequestContext) -> str:
    """The id of the calling key's consumer, or of the key itself."""
    return "" if context.key is None else context.key.consumer_id or context.key.id


class ProviderAttempts:
    """Belongs to one request. ``monotonic`` returns seconds, and ``consumer`` decides about keys chosen by consumer.

    ``target`` and ``model`` are those of the current attempt; ``requested`` is the caller's model, if it is known.
    ``planned`` is its plan, ``None`` for the first target. ``no_key_left`` says why the provider's other keys could not
    be used. ``without_key`` is the first provider that was skipped since it has no usable key.
    """

    def __init__(
        self, keyring: Keyring, target: Target, held: ResolvedCredential, consumer: str, monotonic: Callable[[], float]
    ) -> None:
        self._keyring = keyring
        self._consumer = consumer
        self._monotonic = monotonic
        self._first_began: float | None = None
        self._began = monotonic()
        self._tried: set[str] = set()
        self._made: list[ProviderCall] = []
        self._call_count = 0
        self._fallbacks: list[PlannedTarget] = []
        self.skips_first = False
        self.target = target
        self.current = held
        self.model: str | None = None
        self.requested = ""
        self.planned: PlannedTarget | None = None
        self.no_key_left: NoKeyLeft | None = None
        self.without_key: Provider | None = None

    @property
    def provider(self) -> Provider:
        """The provider of the current attempt."""
        return self.current.credential.provider

    @property
    def added_headers(self) -> frozenset[str]:
        """Names of the caller's headers that the operator passes to this provider."""
        return self._keyring.added_headers.get(self.provider.name, frozenset())

    @property
    def _limited_model(self) -> str:
        """The model that a 429 to this attempt is about."""
        return self.model or self.requested

    def allow_targets(self, targets: Sequence[PlannedTarget], passed: Sequence[PlannedTarget] = ()) -> None:
        """The targets of an alias, the current one first; ``passed`` come before it. If the first is skipped, call
        ``take_next_target`` before the first call."""
        first, *self._fallbacks = targets
        self.model = first.target.model
        for one in passed:
            self._note_skipped(one, one.skipped or _NO_KEY)
        self.skips_first = first.skipped is not None
        if first.skipped is not None:
            self._note_skipped(first, first.skipped)

    def begin(self) -> None:
        """A call begins."""
        self._began = self._monotonic()
        if self._first_began is None:
            self._first_began = self._began

    def end(self, status: int | None) -> None:
        """The call got a response with this status, or none."""
        ms = round((self._monotonic() - self._began) * 1000, 3)
        key_id = self.current.credential.key_id
        self._made.append(ProviderCall(self.provider.name, self.model, key_id, status, ms))
        self._call_count += 1

    def note_wait(self, context: RequestContext, first_byte_ms: float | None) -> None:
        """Note how long the request waited for the first byte of a response, or for none: ``first_byte_ms`` after it
        came. Only then has a stream really begun, whatever was sent before."""
        served, started = context.served, context.record.started
        if self._first_began is None:
            return
        ended = self._monotonic() if first_byte_ms is None else started + first_byte_ms / 1000
        served.add_wait("provider", max(0.0, ended - self._first_began))
        if served.responded is not None:
            served.responded = max(served.responded, ended)

    def note_accepted(self) -> None:
        """The provider serves the request with the current key."""
        if self.current.is_pooled and self.current.key is not None:
            self._keyring.rotation.note_accepted(self.current.key, self._limited_model, self._began)

    def note_limited(self, reply: ProviderResponse, now_ms: int) -> None:
        """The provider limits the current key, so it rests if there are others."""
        if self.current.is_pooled and self.current.key is not None:
            seconds = parse_retry_after(reply.headers, now_ms)
            self._keyring.rotation.rest(self.current.key, seconds, self._limited_model, self._began)

    async def take_next(self) -> bool:
        """Choose another key, from those stored now, or else the next target. ``False`` if no attempt is left.

        Raises what ``Keyring.find`` raises about the provider itself, such as one that was removed.
        """
        held = self.current
        if self._call_count >= MAX_ATTEMPTS:
            return False
        if held.is_pooled and held.key is not None:
            self._tried.add(held.key.key.id)
            try:
                self.current = await self._keyring.find(self.provider, self._consumer, self._tried, self._limited_model)
            except NoKeyLeft as error:
                self.no_key_left = error
            else:
                return True
        return await self.take_next_target()

    async def take_target_after(self, fault: OutboundFault, provider_status: ProviderStatus) -> bool:
        """Choose the next target if the provider of this one received nothing, and record that it is unreachable."""
        if fault.word not in NOT_SENT:
            return False
        failed = self.current
        self.end(None)
        if not await self.take_next_target():
            return False
        reason = f"{failed.credential.provider.title} {provider_errors.words_for(fault.word)}."
        await provider_status.unreachable(failed, reason)
        return True

    async def take_next_target(self) -> bool:
        """Choose the next target that has a usable key. ``False`` if none is left."""
        while self._fallbacks and self._call_count < MAX_ATTEMPTS:
            found = self._fallbacks.pop(0)
            if found.skipped is not None:
                self._note_skipped(found, found.skipped)
                continue
            target, model, _ = found.target
            try:
                self.current = await self._keyring.find(target.provider, self._consumer, self._tried, model)
            except (NoKeyLeft, Conflict, NotFound):
                self._note_skipped(found, _NO_KEY)
                self.without_key = self.without_key or target.provider
                continue
            self.target, self.model, self.planned, self.no_key_left = target, model, found, None
            return True
        return False

    def make_skipped_fault(self) -> Fault:
        """Why no target was called: a budget has no room for the first one, and no other one has a usable key."""
        return provider_errors.make_skipped_fault(self.provider, self.without_key)

    def _note_skipped(self, planned: PlannedTarget, reason: str) -> None:
        target, model, _ = planned.target
        self._made.append(ProviderCall(target.provider.name, model, None, None, 0.0, reason))

    def to_json(self) -> str | None:
        """All attempts for the usage log; ``None`` for a single one with the only key of its provider."""
        if len(self._made) < 2 and not self.current.is_pooled:
            return None
        return msgspec.json.encode(self._made).decode()
