"""``/api/verify``: another service asks whether a key that it was shown is good. Answered from the guard.

The body is never logged (security.md 16). The caller's row, one row for each known key and the counts of the others
are one commit, before the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, ValidationError

from ari.api.here import WITH_BODY, problems
from ari.api.validation import OTHERWISE, problems_of
from ari.api.verify_shapes import (
    ADDRESS_LENGTH,
    MOST_ITEMS,
    MOST_SCOPES,
    SCOPE_PATTERN,
    VerdictOut,
    VerdictsOut,
    VerifyBatchIn,
    VerifyIn,
    VerifyItemsIn,
)
from ari.base.clock import to_rfc3339
from ari.base.errors import Invalid, Problem
from ari.base.ids import new_id
from ari.http.client_address import parse_address
from ari.http.context import RequestContext
from ari.http.responses import Response, json_response
from ari.http.route_policy import AuthMode, FastRoute, policy
from ari.http.services import Services
from ari.keys.checks import AccessRequest
from ari.keys.model import ApiKey, Granted, Refused
from ari.keys.reasons import ACCEPTED, EXPIRED, REQUEST_ERRORS
from ari.keys.verify import verify
from ari.usage.model import ROW_KIND, Attempt, UsageRow
from ari.usage.ports import Batch

router = APIRouter(tags=["Verification"])

_INVALID = REQUEST_ERRORS["invalid"].code
_Scope = Annotated[str, msgspec.Meta(pattern=SCOPE_PATTERN)]


class _Item(msgspec.Struct, forbid_unknown_fields=True):
    key: str
    scopes: Annotated[list[_Scope], msgspec.Meta(max_length=MOST_SCOPES)] = []
    client_address: Annotated[str, msgspec.Meta(max_length=ADDRESS_LENGTH)] | None = None


class _Items(msgspec.Struct, forbid_unknown_fields=True):
    items: Annotated[list[Any], msgspec.Meta(max_length=MOST_ITEMS)]


@dataclass(frozen=True, slots=True)
class _Question:
    """One item, understood; ``address`` is the client's, in the one form that the log keeps."""

    token: bytes
    scopes: tuple[str, ...]
    address: str | None


class _Desk:
    """Judges the questions of one request and notes what the log shall hold."""

    def __init__(self, context: RequestContext, services: Services) -> None:
        self._context = context
        self._services = services
        self._now_ms = services.clock.now_ms()
        self._log = context.record.extra_batch = Batch()
        self._stamped = False

    async def judge(self, question: _Question) -> dict[str, Any]:
        """The verdict as JSON. Raises ``Unavailable`` when nothing can be decided."""
        ask = AccessRequest(None, self._now_ms, question.scopes)
        verdict = await verify(self._services.lookup, question.token, ask)
        code = ACCEPTED if isinstance(verdict, Granted) else verdict.reason.code
        key = verdict.key
        if key is None:
            self._count(code)
            return {"valid": False, "code": code, "key": None}
        await self._stamp(verdict)
        self._log.rows.append(self._row(key, code, question.address))
        return {"valid": code == ACCEPTED, "code": code, "key": _public(key)}

    def _row(self, key: ApiKey, code: str, address: str | None) -> UsageRow:
        row_id = new_id(ROW_KIND, self._now_ms)
        head, route = self._context.head, self._context.route.template
        return UsageRow(
            id=row_id,
            at_ms=self._now_ms,
            request_id=head.request_id,
            key_id=key.id,
            key_hint=key.hint,
            code=code,
            method=head.method,
            route=route,
            path=route,
            client_address=address,
            user_agent=None,
            status=200,
            source="verify",
        )

    def _count(self, code: str) -> None:
        """Text that is no key of ours is counted under who asked, not under an address that it only claims."""
        caller = self._context.caller
        assert caller is not None
        self._log.attempts.append(Attempt(self._now_ms, code, caller.actor))

    async def _stamp(self, verdict: Granted | Refused) -> None:
        if self._stamped or isinstance(verdict, Granted) or verdict.reason is not EXPIRED:
            return
        if verdict.key is not None and verdict.key.expired_seen_at_ms is None:
            self._stamped = True
            await self._services.expiry_stamper.stamp(self._now_ms)


async def _verify(context: RequestContext, services: Services) -> Response:
    return json_response(await _Desk(context, services).judge(_question(context.json)))


async def _verify_batch(context: RequestContext, services: Services) -> Response:
    desk, answers = _Desk(context, services), []
    for item in _understood(context.json, _Items, VerifyItemsIn).items:
        try:
            question = _question(item)
        except Invalid as error:
            answers.append({"valid": False, "code": _INVALID, "key": None, "errors": _facts(error.problems)})
        else:
            answers.append(await desk.judge(question))
    return json_response({"items": answers})


def _question(sent: Any) -> _Question:
    item = _understood(sent, _Item, VerifyIn)
    address = None
    if item.client_address is not None:
        address = parse_address(item.client_address)
        if address is None:
            raise Invalid(Problem("client_address", "Use an IP address such as 203.0.113.7."))
    token = item.key.encode("utf-8", "surrogatepass")
    return _Question(token, tuple(item.scopes), None if address is None else str(address))


def _public(key: ApiKey) -> dict[str, Any]:
    """What a service may know of a key that it was shown."""
    return {
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "scopes": key.scopes,
        "expires_at": None if key.expires_at_ms is None else to_rfc3339(key.expires_at_ms),
    }


def _understood(sent: Any, shape: Any, model: type[BaseModel]) -> Any:
    """``sent`` as ``shape``, checked by the fast library. ``model`` says what is wrong; tests keep the two equal."""
    try:
        return msgspec.convert(sent, shape)
    except (msgspec.ValidationError, UnicodeEncodeError):  # the latter: half of a surrogate pair
        raise Invalid(*_problems(sent, model)) from None


def _problems(sent: Any, model: type[BaseModel]) -> list[Problem]:
    try:
        model.model_validate(sent)
    except ValidationError as error:
        return problems_of([{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_input=False)])
    return [Problem("body", OTHERWISE)]


def _facts(problems: Sequence[Problem]) -> list[dict[str, str]]:
    return [{"location": one.location, "message": one.message} for one in problems]


@router.post("/api/verify", response_model=VerdictOut, summary="Verify a key", responses=problems(*WITH_BODY))
@policy(AuthMode.KEY_OR_SESSION, scope="keys:verify", fast=FastRoute(_verify, reads_only=True))
def verify_key(body: VerifyIn) -> None:
    """Returns 200 whether or not the key is valid. 503 means ARI couldn't decide."""


@router.post(
    "/api/verify/batch", response_model=VerdictsOut, summary="Verify up to 100 keys", responses=problems(*WITH_BODY)
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:verify", fast=FastRoute(_verify_batch, reads_only=True))
def verify_keys(body: VerifyBatchIn) -> None:
    """Results are in the order of the items; an invalid item doesn't affect the others. All are logged together."""
