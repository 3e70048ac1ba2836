"""Checks of an authorized request before the provider is called. No I/O."""

from ari.gateway import header_filter
from ari.gateway.path_suggestions import suggest_path
from ari.gateway.route import PREFIX, Target, account_scope, plain_scope, target_of
from ari.http.context import RequestContext
from ari.http.problem import Fault
from ari.http.route_policy import map_head_to_get
from ari.keys.reasons import INSUFFICIENT_SCOPE, REQUEST_ERRORS
from ari.keys.scopes import holds


def refuse(context: RequestContext, target: Target) -> Fault | None:
    """The fault that stops the request, or ``None`` if it may be forwarded."""
    head = context.head
    fault = header_filter.refuse_request(head)
    if fault is not None:
        return fault
    # The middleware resolved the scope by the decoded path.
    decoded = target_of(head.path)
    if decoded is None or decoded.provider.name != target.provider.name:
        return Fault(REQUEST_ERRORS["not_found"])
    if any(target.provider.is_never_allowed(path) for path in header_filter.decodings(target.path)):
        return Fault(REQUEST_ERRORS["forbidden"], "This endpoint returns keys, which never leave ARI.")
    return _check_path(context, decoded)


def _check_path(context: RequestContext, target: Target) -> Fault | None:
    """The fault for a path that the provider does not list but that resembles one. A wider scope may forward it."""
    provider, method = target.provider, map_head_to_get(context.head.method)
    if _holds(context, account_scope(target)):
        return None
    if provider.covers(method, target.path):
        # A server may decode the path once more than the middleware did.
        if all(provider.covers(method, path) for path in header_filter.decodings(target.path)):
            return None
        return _insufficient(context, account_scope(target))
    right = suggest_path(provider, method, target.path)
    if right is None or not _holds(context, plain_scope(target)):
        return _insufficient(context, account_scope(target) if right is None else plain_scope(target))
    whole = f"{PREFIX}{provider.name}{right}"
    return Fault(
        REQUEST_ERRORS["not_found"],
        f"Check the base URL. {provider.title} has no such path; did you mean {whole}?",
    )


def _insufficient(context: RequestContext, scope: str) -> Fault:
    if context.record.row is not None:
        context.record.row.code = INSUFFICIENT_SCOPE.code
    return Fault(INSUFFICIENT_SCOPE, scope=scope)


def _holds(context: RequestContext, scope: str) -> bool:
    return context.key is not None and holds(context.key.scopes, scope)
