"""``/api/forward-auth``: a proxy asks whether it may pass a request on to the API behind it, on a fast route.

The response waits for the commit of the usage row, which has the method, path and route of that request, and which
decides its limits. Nothing about ARI's own API can be reached here, and no session counts.
"""

from collections.abc import Sequence

from fastapi import APIRouter

from ari.api.forward_auth_call import (
    PATH,
    Options,
    OriginalRequest,
    RefusedCall,
    read_options,
    read_original,
    refuse,
)
from ari.api.forward_auth_response import accept, adapt_refusal
from ari.base.errors import AriError
from ari.http.auth.api_key import refuse_stranger, verify_tokens
from ari.http.client_address import bucket_of
from ari.http.context import RequestContext
from ari.http.credentials import CONTRADICTION, explain_mistake
from ari.http.fault_response import fault_response
from ari.http.problem import Fault, fault_of
from ari.http.request_head import INVALID_REQUEST, find_keys
from ari.http.responses import Response
from ari.http.route_policy import AuthMode, FastRoute, policy
from ari.http.services import Services
from ari.http.verification import await_both
from ari.keys.checks import AccessRequest
from ari.keys.limits.charge import Charge
from ari.keys.model import ApiKey, Granted, Verdict
from ari.keys.reasons import ACCEPTED, INSUFFICIENT_SCOPE, MISSING, PROXY_MISCONFIGURED, REQUEST_ERRORS
from ari.keys.scopes import HOW_TO_DECLARE, find_not_built_in, holds
from ari.keys.verify import must_stamp
from ari.usage.model import UsageRow

router = APIRouter(tags=["Verification"])

_NO_LIMIT = "The key has no limit with a name that the option limits has. Those of its consumer begin with consumer:."


class _Verification:
    """Decides about one request to the proxy. ``original`` and ``options`` are what could be read of the call."""

    def __init__(self, context: RequestContext, services: Services) -> None:
        self._context = context
        self._services = services
        self._original: OriginalRequest | None = None
        self._options: Options | None = None
        self._key: ApiKey | None = None

    async def respond(self) -> Response:
        context, settings = self._context, self._services.settings
        try:
            fault = await self._decide()
            await context.record.commit_with(200 if fault is None else fault.reason.status)
        except AriError as error:
            fault = fault_of(error)
        if fault is None:
            options = self._options
            return accept(self._key, sends_metadata=options is not None and options.sends_metadata)
        if fault.reason is PROXY_MISCONFIGURED and fault.detail is not None:
            self._services.events.warn_about_proxy(fault.detail)
        return adapt_refusal(fault_response(context, self._services, fault), settings.forward_auth)

    async def _decide(self) -> Fault | None:
        """The fault that refuses the request, if any. Raises ``Unavailable`` if ARI can't decide."""
        context, services = self._context, self._services
        fault = self._read()
        in_url = context.keys_in_url if self._original is None else find_keys(self._original.url)
        tokens = (*context.credentials.tokens, *in_url)
        if fault is None and in_url:
            fault = Fault(REQUEST_ERRORS["key_in_url"])
        if fault is None and context.credentials.is_contradictory:
            fault = Fault(INVALID_REQUEST, CONTRADICTION)
        if fault is None and not tokens and not context.credentials.duplicated:
            return await self._decide_without_key()
        options = self._options
        scopes = () if options is None else options.scopes
        ask = AccessRequest(None, context.head.at_ms, scopes, context.client.text)
        doubtful = find_not_built_in(scopes) if fault is None else ()
        if doubtful:
            verdict, fault = await await_both(
                services.lookup, verify_tokens(services, tokens, ask), self._find_undeclared(doubtful)
            )
        else:
            verdict = await verify_tokens(services, tokens, ask)
        if verdict is None or verdict.key is None:
            return await refuse_stranger(context, services, fault, verdict, "proxy")
        if in_url:
            await services.events.report_key_in_url(verdict.key, context.origin("api"))
        charge = None
        if fault is None:
            fault = await self._refuse_key(verdict, scopes)
        if fault is None and options is not None:
            fault, charge = _find_charge(verdict.key, options)
        context.record.row = self._make_row(verdict.key, fault, charge)
        if fault is None:
            self._key = verdict.key
        return fault

    def _read(self) -> Fault | None:
        head, settings = self._context.head, self._services.settings
        try:
            is_proxy = self._services.edge_checks.trusts(self._context.peer)
            self._original = read_original(head, settings, is_proxy=is_proxy)
            self._options = read_options(head, settings)
        except RefusedCall as error:
            return error.fault
        return None

    async def _decide_without_key(self) -> Fault | None:
        context, options = self._context, self._options
        if options is not None and options.allows_preflight and self._is_preflight():
            return None
        await self._services.recorder.count(MISSING.code, bucket_of(context.client.address), "proxy")
        return Fault(MISSING, explain_mistake(context.head))

    def _is_preflight(self) -> bool:
        """Whether this is a CORS preflight request, to which browsers add no credentials (Fetch standard §3.3.4)."""
        head, original = self._context.head, self._original
        asks = head.first(b"origin") is not None and head.first(b"access-control-request-method") is not None
        return asks and original is not None and original.method == "OPTIONS"

    async def _find_undeclared(self, scopes: Sequence[str]) -> Fault | None:
        """A refusal by an undeclared scope would hide that it is misspelled, and ``*`` would turn it into a yes."""
        undeclared = await self._services.lookup.find_undeclared(scopes)
        if not undeclared:
            return None
        return refuse(f"The proxy requires the scope {min(undeclared)}, which isn't declared. {HOW_TO_DECLARE}")

    async def _refuse_key(self, verdict: Verdict, scopes: tuple[str, ...]) -> Fault | None:
        if isinstance(verdict, Granted):
            return None
        if must_stamp(verdict):
            await self._services.expiry_stamper.stamp(self._context.head.at_ms)
        if verdict.reason is not INSUFFICIENT_SCOPE or verdict.key is None:
            return Fault(verdict.reason)
        held = verdict.key.scopes
        return Fault(verdict.reason, scope=next((one for one in scopes if not holds(held, one)), None))

    def _make_row(self, key: ApiKey, fault: Fault | None, charge: Charge | None) -> UsageRow:
        context, original = self._context, self._original
        head, names = context.head, self._services.route_names
        if original is None:
            method, path, route = head.method, head.raw_path.decode("latin-1"), PATH
        else:
            method, path = original.method, original.path
            route = names.name(path, key.id, is_accepted=fault is None)
        return UsageRow(
            id=head.id,
            at_ms=head.at_ms,
            request_id=head.request_id,
            key_id=key.id,
            key_hint=key.used_hint,
            code=ACCEPTED if fault is None else fault.reason.code,
            method=method,
            route=route,
            path=path,
            client_address=context.client.text,
            user_agent=head.user_agent,
            source="request" if original is None else "proxy",
            secret_number=key.logged_secret,
            charge=charge,
        )


def _find_charge(key: ApiKey, options: Options) -> tuple[Fault | None, Charge | None]:
    """The units to consume, or a fault for a name that no owner has."""
    owners = key.rule_owners
    if options.limits is not None and not {name for owner in owners for name in owner.names}.issuperset(options.limits):
        return refuse(_NO_LIMIT), None
    return None, Charge(owners, options.cost, options.limits) if owners else None


async def _verify_for_proxy(context: RequestContext, services: Services) -> Response:
    return await _Verification(context, services).respond()


@router.get(PATH, include_in_schema=False)
@router.get(PATH + "/{original:path}", include_in_schema=False)
@policy(AuthMode.FORWARD_AUTH, fast=FastRoute(_verify_for_proxy, streams=True))
def verify_for_proxy() -> None:
    """Whether the proxy may pass a request on: 200 without a body, or the refusal for the client."""
