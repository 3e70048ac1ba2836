"""Items of ``/api/verify/batch`` and their verdicts, as the remote back end sends and reads them."""

import logging
import re
from typing import Annotated, Any

import msgspec

from ari.base.clock import SECOND_MS
from ari.base.errors import LimitExceeded
from ari.guard.backend import Admission, GuardRequest
from ari.guard.refusal import MISCONFIGURED, Refusal
from ari.guard.verified_key import Key
from ari.http.problem import Fault, fault_of
from ari.keys.limits.charge import Decision
from ari.keys.limits.counter import Remaining
from ari.keys.limits.fields import parse_window
from ari.keys.reasons import ACCEPTED, INSUFFICIENT_SCOPE, REASONS
from ari.usage.cleaning import METHOD_LENGTH, PATH_LENGTH, ROUTE_LENGTH, clean

_MAX_LOGGED = 500
_log = logging.getLogger("ari.guard")
_WRONG = "The guard of %s is wrong. %s Request ID: %s"
_UNFIT = re.compile(r"[^!#$%&'*+.^_`|~0-9A-Za-z-]")
_Name = Annotated[str, msgspec.Meta(pattern=r"^(consumer:)?[a-z0-9][a-z0-9_-]{0,39}\Z")]
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class LimitState(msgspec.Struct):
    """What remains under a limit, as ``/api/verify`` gives it."""

    name: _Name
    limit: _Number
    remaining: _Number
    window: Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,8}[smhd]\Z")] | None = None
    more_in_seconds: _Number | None = None

    @property
    def remaining_units(self) -> Remaining:
        window_ms = None if self.window is None else parse_window(self.window)
        more_in_ms = None if self.more_in_seconds is None else self.more_in_seconds * SECOND_MS
        return Remaining(self.name, self.remaining, self.limit, window_ms, more_in_ms)


class ItemVerdict(msgspec.Struct):
    """The verdict on one item of a batch."""

    valid: bool
    code: str
    key: Key | None = None
    limits: list[LimitState] = []
    exceeded: _Name | None = None
    retry_after_seconds: _Number | None = None
    errors: list[dict[str, str]] | None = None


class Verdicts(msgspec.Struct):
    """The response to a batch, in the order of its items."""

    items: list[ItemVerdict]


class RemoteAdmission(Admission):
    """A request that an instance decided, and logged when it did."""

    def apply(self, verdict: ItemVerdict) -> None:
        """Take the instance's verdict."""
        if verdict.limits:
            self.decision = Decision(None, {}, [one.remaining_units for one in verdict.limits])
        if verdict.valid and verdict.code == ACCEPTED and verdict.key is not None:
            self.key = verdict.key
            return
        self.refuse(self._explain(verdict))

    def _explain(self, verdict: ItemVerdict) -> Fault:
        if verdict.exceeded is not None:
            return fault_of(LimitExceeded(verdict.code, verdict.exceeded, verdict.retry_after_seconds))
        reason = REASONS.get(verdict.code)
        if reason is None:  # an item that can't be read: an undeclared scope or an unknown limit
            found = " ".join(f"{one.get('location')}: {one.get('message')}" for one in verdict.errors or ())
            request = self.request
            _log.error(_WRONG, request.route, clean(found, _MAX_LOGGED), request.head.request_id)
            return MISCONFIGURED
        lacking = None
        if reason is INSUFFICIENT_SCOPE and verdict.key is not None:
            wanted = self.request.requirement.scopes
            lacking = next((scope for scope in wanted if not verdict.key.has(scope)), None)
        return Fault(reason, scope=lacking)

    async def finish(self, status: int, length: int | None) -> Refusal | None:  # noqa: ARG002 - logged already
        return None


def method_of(request: GuardRequest) -> str:
    """The method as the instance takes it: a token (RFC 9110 §5.6.2), shortened."""
    return _UNFIT.sub("-", clean(request.head.method, METHOD_LENGTH)) or "-"


def encode_item(request: GuardRequest, text: bytes) -> bytes:
    """The item of a batch for this request, with its own route, path and user agent for the usage log."""
    requirement, head = request.requirement, request.head
    item: dict[str, Any] = {
        "key": text.decode("utf-8", "replace"),
        "method": method_of(request),
        "route": clean(request.route, ROUTE_LENGTH),
        "path": clean(head.raw_path, PATH_LENGTH) or "/",
        "request_id": head.request_id,
    }
    if requirement.scopes:
        item["scopes"] = requirement.scopes
    if request.client_address is not None:
        item["client_address"] = request.client_address
    if head.user_agent is not None:
        item["user_agent"] = head.user_agent
    if requirement.cost != 1:
        item["cost"] = requirement.cost
    if requirement.limits is not None:
        item["limits"] = requirement.limits
    return msgspec.json.encode(item)
