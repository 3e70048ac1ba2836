"""Authenticate and authorize a request by its API key."""

from collections.abc import Sequence

from ari.http.client_address import bucket_of
from ari.http.context import RequestContext
from ari.http.credentials import explain_mistake
from ari.http.problem import Fault
from ari.http.request_head import INVALID_REQUEST
from ari.http.route_policy import AuthMode
from ari.http.services import Services
from ari.keys.checks import AccessRequest
from ari.keys.model import Granted, Refused, Verdict
from ari.keys.reasons import ACCEPTED, INSUFFICIENT_SCOPE, MALFORMED, REQUEST_ERRORS, UNKNOWN
from ari.keys.verify import must_stamp, verify
from ari.usage.model import Source

_MAX_TOKENS = 4


async def authenticate_key(context: RequestContext, services: Services, fault: Fault | None) -> Fault | None:
    """The fault that refuses the request, if any. ``fault`` was found before and refuses it whatever the key may do.

    The key is looked at even then, so that the usage log names it. Raises ``Unavailable`` if nothing can be decided.
    """
    policy = context.route.policy
    wanted = AccessRequest(
        policy.scope, context.head.at_ms, client_address=context.client.text, revokes_self=policy.revokes_self
    )
    verdict = await verify_tokens(services, (*context.credentials.tokens, *context.keys_in_url), wanted)
    if verdict is None or verdict.key is None:
        return await refuse_stranger(context, services, fault, verdict)
    if context.keys_in_url:
        await services.events.report_key_in_url(verdict.key, context.origin("api"))
    if fault is None:
        fault = await _authorize(context, services, verdict)
    code = ACCEPTED if fault is None else fault.reason.code
    context.record.begin(context.head, context.route.template, context.client.text, verdict.key, code)
    if policy.revokes_self:
        context.record.waive_charge()
    if fault is None:
        context.key = verdict.key
    return fault


async def verify_tokens(services: Services, tokens: Sequence[bytes], wanted: AccessRequest) -> Verdict | None:
    """The verdict on the first token that is a key of this instance, else on the last; ``None`` if there is no token.

    Raises ``Unavailable`` if nothing can be decided.
    """
    verdict: Verdict | None = None
    for token in tokens[:_MAX_TOKENS]:
        verdict = await verify(services.lookup, token, wanted, services.rehasher.rehash)
        if verdict.key is not None:
            break
    return verdict


async def refuse_stranger(
    context: RequestContext,
    services: Services,
    fault: Fault | None,
    verdict: Verdict | None,
    source: Source = "request",
) -> Fault:
    """The fault for a request without a key of this instance, which is counted by address."""
    reason = verdict.reason if isinstance(verdict, Refused) else INVALID_REQUEST
    code = fault.reason.code if fault and not isinstance(verdict, Refused) else reason.code
    await services.recorder.count(code, bucket_of(context.client.address), source)
    return fault or Fault(reason, explain_mistake(context.head) if reason in (MALFORMED, UNKNOWN) else None)


async def _authorize(context: RequestContext, services: Services, verdict: Verdict) -> Fault | None:
    policy = context.route.policy
    if isinstance(verdict, Granted):
        if policy.auth in (AuthMode.SESSION, AuthMode.VISITOR):
            return Fault(REQUEST_ERRORS["forbidden"], "API keys only work for the API. Sign in to see pages.")
        return None
    if must_stamp(verdict):
        await services.expiry_stamper.stamp(context.head.at_ms)
    return Fault(verdict.reason, scope=policy.scope if verdict.reason is INSUFFICIENT_SCOPE else None)
