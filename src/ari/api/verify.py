"""``/api/verify``: verify keys for another service, on a fast route.

The body is never logged (security.md 16). The caller's row, a row for each known key and the counts of other texts are
committed together before the response.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, ValidationError

from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.limit_shapes import CHARGED_PATTERN, MAX_NAMES
from ari.api.validation import DEFAULT_MESSAGE, problems_of
from ari.api.verify_shapes import (
    MAX_ADDRESS_LENGTH,
    MAX_COST,
    MAX_ITEMS,
    MAX_SCOPES,
    METHOD_PATTERN,
    REQUEST_ID_PATTERN,
    SCOPE_PATTERN,
    VerdictOut,
    VerdictsOut,
    VerifyBatchIn,
    VerifyIn,
    VerifyItemsIn,
)
from ari.base.errors import Invalid, Problem, Unavailable
from ari.base.hidden_fields import HiddenFields
from ari.base.ids import new_id
from ari.http.client_address import parse_address
from ari.http.context import RequestContext
from ari.http.responses import Response, json_response
from ari.http.route_policy import AuthMode, FastRoute, policy
from ari.http.services import Services
from ari.http.verification import make_charge, verify_for_service
from ari.keys.checks import AccessRequest
from ari.keys.model import ApiKey, Granted, Refused
from ari.keys.reasons import ACCEPTED, REQUEST_ERRORS, UNAVAILABLE
from ari.keys.verify import must_stamp
from ari.usage.cleaning import PATH_LENGTH, ROUTE_LENGTH, USER_AGENT_LENGTH
from ari.usage.model import ROW_KIND, Attempt, UsageRow
from ari.usage.ports import Batch
from ari.usage.reports.facts import describe_verified_key, limit_facts

router = APIRouter(tags=["Verification"])

_INVALID = REQUEST_ERRORS["invalid"].code


def _to_the_end(pattern: str) -> str:
    """``$`` of JSON Schema is the end of a text; in Python it also matches before a last newline."""
    return pattern.removesuffix("$") + r"\Z"


_Name = Annotated[str, msgspec.Meta(pattern=_to_the_end(CHARGED_PATTERN))]
_Scope = Annotated[str, msgspec.Meta(pattern=_to_the_end(SCOPE_PATTERN))]


class _Item(HiddenFields, msgspec.Struct, forbid_unknown_fields=True):
    key: str
    scopes: Annotated[list[_Scope], msgspec.Meta(max_length=MAX_SCOPES)] = []
    client_address: Annotated[str, msgspec.Meta(max_length=MAX_ADDRESS_LENGTH)] | None = None
    cost: Annotated[int, msgspec.Meta(ge=0, le=MAX_COST)] = 1
    limits: Annotated[list[_Name], msgspec.Meta(max_length=MAX_NAMES)] | None = None
    method: Annotated[str, msgspec.Meta(pattern=_to_the_end(METHOD_PATTERN))] | None = None
    route: Annotated[str, msgspec.Meta(min_length=1, max_length=ROUTE_LENGTH)] | None = None
    path: Annotated[str, msgspec.Meta(min_length=1, max_length=PATH_LENGTH)] | None = None
    user_agent: Annotated[str, msgspec.Meta(max_length=USER_AGENT_LENGTH)] | None = None
    request_id: Annotated[str, msgspec.Meta(pattern=_to_the_end(REQUEST_ID_PATTERN))] | None = None


class _Items(msgspec.Struct, forbid_unknown_fields=True):
    items: Annotated[list[Any], msgspec.Meta(max_length=MAX_ITEMS)]


@dataclass(frozen=True, slots=True, repr=False)
class _Query(HiddenFields):
    """A parsed item; ``address`` is the client's, in the form that the log stores."""

    token: bytes
    address: str | None
    item: _Item


@dataclass(frozen=True, slots=True)
class _Result:
    """The verdict on a key; its limits are decided by the commit of ``row``."""

    code: str
    key: ApiKey | None = None
    row: UsageRow | None = None

    def to_json(self) -> dict[str, Any]:
        charge = None if self.row is None else self.row.charge
        decision = None if charge is None else charge.decision
        exceeded = None if decision is None else decision.exceeded
        code = self.code if exceeded is None else exceeded.reason
        return {
            "valid": code == ACCEPTED,
            "code": code,
            "key": None if self.key is None else describe_verified_key(self.key),
            "limits": [] if decision is None else [limit_facts(one) for one in decision.remaining],
            "exceeded": None if exceeded is None else exceeded.name,
            "retry_after_seconds": None if decision is None else decision.retry_after_seconds,
        }


class _Verifier:
    """Verifies the items of one request and collects their log entries."""

    def __init__(self, context: RequestContext, services: Services) -> None:
        self._context = context
        self._services = services
        self._now_ms = services.clock.now_ms()
        self._log = context.record.extra_batch = Batch()
        self._stamped = False

    async def verify(self, query: _Query) -> _Result:
        """Raises ``Unavailable`` if ARI can't decide, ``Invalid`` for undeclared scopes and unknown limits."""
        ask = AccessRequest(None, self._now_ms, tuple(query.item.scopes), query.address)
        verdict = await verify_for_service(self._services.lookup, query.token, ask, self._services.rehasher.rehash)
        code = ACCEPTED if isinstance(verdict, Granted) else verdict.reason.code
        key = verdict.key
        if key is None:
            self._count(code)
            return _Result(code)
        await self._stamp(verdict)
        row = self._row(key, code, query)
        if code == ACCEPTED:
            row.charge = make_charge(key.rule_owners, query.item.cost, query.item.limits)
        self._log.rows.append(row)
        return _Result(code, key, row)

    async def commit_charges(self) -> None:
        """Commit the rows now if they consume from limits, since the response says what remains."""
        if any(row.charge is not None for row in self._log.rows):
            await self._context.record.commit_extra()

    def _row(self, key: ApiKey, code: str, query: _Query) -> UsageRow:
        row_id = new_id(ROW_KIND, self._now_ms)
        head, item = self._context.head, query.item
        route = item.route or self._context.route.template
        return UsageRow(
            id=row_id,
            at_ms=self._now_ms,
            request_id=item.request_id or head.request_id,
            key_id=key.id,
            key_hint=key.used_hint,
            code=code,
            method=item.method or head.method,
            route=route,
            path=item.path or route,
            client_address=query.address,
            user_agent=item.user_agent,
            status=200,
            source="verify",
            secret_number=key.logged_secret,
        )

    def _count(self, code: str) -> None:
        """Count a text that isn't a key under the caller, not under the address that the caller reports."""
        caller = self._context.caller
        assert caller is not None
        self._log.attempts.append(Attempt(self._now_ms, code, caller.actor, source="verify"))

    async def _stamp(self, verdict: Granted | Refused) -> None:
        if not self._stamped and must_stamp(verdict):
            self._stamped = True
            await self._services.expiry_stamper.stamp(self._now_ms)


async def _verify(context: RequestContext, services: Services) -> Response:
    verifier = _Verifier(context, services)
    result = await verifier.verify(_parse_query(context.json))
    await verifier.commit_charges()
    return json_response(result.to_json())


async def _verify_batch(context: RequestContext, services: Services) -> Response:
    """An item that can't be decided leaves the others as they are: some can be caused by anybody, such as a text that
    crowds out the salted checks of its ID. If none can be decided, the whole request isn't either."""
    verifier, results = _Verifier(context, services), list[_Result | Invalid | Unavailable]()
    items = _parse(context.json, _Items, VerifyItemsIn).items
    for item in items:
        try:
            results.append(await verifier.verify(_parse_query(item)))
        except (Invalid, Unavailable) as error:
            results.append(error)
    undecided = [one for one in results if isinstance(one, Unavailable)]
    if undecided and len(undecided) == len(items):
        raise undecided[0]
    await verifier.commit_charges()
    return json_response({"items": [_item_to_json(result) for result in results]})


def _item_to_json(result: _Result | Invalid | Unavailable) -> dict[str, Any]:
    if isinstance(result, _Result):
        return result.to_json()
    if isinstance(result, Unavailable):
        return _Result(UNAVAILABLE.code).to_json() | {"retry_after_seconds": result.retry_after_seconds}
    return _Result(_INVALID).to_json() | {"errors": _describe(result.problems)}


def _parse_query(sent: Any) -> _Query:
    item = _parse(sent, _Item, VerifyIn)
    address = None
    if item.client_address is not None:
        address = parse_address(item.client_address)
        if address is None:
            raise Invalid(Problem("client_address", "Use an IP address such as 203.0.113.7."))
    token = item.key.encode("utf-8", "surrogatepass")
    return _Query(token, None if address is None else str(address), item)


def _parse(sent: Any, shape: Any, model: type[BaseModel]) -> Any:
    """Parse with msgspec, which is fast; the Pydantic ``model`` writes the problems. Tests keep the two equal."""
    try:
        return msgspec.convert(sent, shape)
    except (msgspec.ValidationError, UnicodeEncodeError):  # UnicodeEncodeError: half of a surrogate pair
        raise Invalid(*_problems(sent, model)) from None


def _problems(sent: Any, model: type[BaseModel]) -> list[Problem]:
    try:
        model.model_validate(sent)
    except ValidationError as error:
        return problems_of([{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_input=False)])
    return [Problem("body", DEFAULT_MESSAGE)]


def _describe(problems: Sequence[Problem]) -> list[dict[str, str]]:
    return [{"location": one.location, "message": one.message} for one in problems]


@router.post("/api/verify", response_model=VerdictOut, summary="Verify a key", responses=document_errors(*BODY_ERRORS))
@policy(AuthMode.KEY_OR_SESSION, scope="keys:verify", fast=FastRoute(_verify, reads_only=True))
def verify_key(body: VerifyIn) -> None:
    """Returns 200 whether or not the key is valid. 503 means ARI couldn't decide."""


@router.post(
    "/api/verify/batch",
    response_model=VerdictsOut,
    summary="Verify up to 100 keys",
    responses=document_errors(*BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:verify", fast=FastRoute(_verify_batch, reads_only=True))
def verify_keys(body: VerifyBatchIn) -> None:
    """Results are in the order of the items, all logged together. An item that is `invalid`, or `unavailable` since ARI
    couldn't decide it, doesn't affect the others. 503 means ARI couldn't decide any."""
