"""Authenticate and authorize a request without an API key: a browser, with or without a session."""

import secrets
from contextlib import suppress
from urllib.parse import quote

from ari.accounts import sessions
from ari.accounts.model import SignedIn
from ari.base.errors import Unavailable
from ari.deps import Deps
from ari.http import body
from ari.http.auth import csrf
from ari.http.client_address import bucket_of
from ari.http.context import RequestContext
from ari.http.cookies import read_cookie, session_cookie_name, set_cookie, visitor_cookie_name
from ari.http.credentials import explain_mistake
from ari.http.fault_response import fault_response
from ari.http.problem import Fault
from ari.http.responses import Response, redirect
from ari.http.route_policy import AuthMode
from ari.http.route_table import NO_ROUTE
from ari.http.services import Services
from ari.keys.reasons import MISSING

SIGN_IN = "/sign-in"
"""The page to which a request without a session is redirected."""


async def authenticate_session(context: RequestContext, services: Services) -> Response | None:
    """``None`` if the handler may run, else the response in its place."""
    auth = context.route.policy.auth
    if context.route is NO_ROUTE and not context.head.is_api:
        await _recognize(context, services)
        return None
    if auth is AuthMode.OPEN:
        return None
    if auth in (AuthMode.KEY, AuthMode.KEY_OR_SESSION) and context.head.is_api:
        fault = await _authenticate_for_api(context, services)
    else:
        fault = await _authenticate_for_page(context, services)
        if fault is None and auth is not AuthMode.VISITOR and context.signed_in is None:
            return _redirect_to_sign_in(context)
    return None if fault is None else fault_response(context, services, fault)


async def _authenticate_for_api(context: RequestContext, services: Services) -> Fault | None:
    head, settings, policy = context.head, services.settings, context.route.policy
    counts = policy.auth is not AuthMode.KEY and csrf.session_counts_under_api(head, settings)
    token = read_cookie(context.cookies, session_cookie_name(settings)) if counts else None
    signed_in = await _find_session(context, token)
    if token is None or signed_in is None:
        await services.recorder.count(MISSING.code, bucket_of(context.client.address))
        return Fault(MISSING, explain_mistake(head))
    context.signed_in = signed_in
    fault = None
    if not head.is_safe:
        fault = csrf.same_origin_fault(head, settings) or csrf.token_fault(head, settings, token, None)
    if fault is None and policy.sensitive:
        sessions.caller_of(signed_in, context.origin("api")).require_confirmed(head.at_ms)
    return fault


async def _authenticate_for_page(context: RequestContext, services: Services) -> Fault | None:
    settings = services.settings
    token = read_cookie(context.cookies, session_cookie_name(settings))
    context.signed_in = await _find_session(context, token)
    context.door = "api" if context.signed_in is None else "web"
    if context.signed_in is None:
        token = read_cookie(context.cookies, visitor_cookie_name(settings))
    context.csrf = sessions.csrf_token(token or _add_visitor_cookie(context, services))
    return None if context.head.is_safe else await _check_form(context, services, token)


async def _recognize(context: RequestContext, services: Services) -> None:
    """So that the page "Not found" keeps the menu of someone signed in. It needs no database for anyone else."""
    token = read_cookie(context.cookies, session_cookie_name(services.settings))
    with suppress(Unavailable):
        context.signed_in = await _find_session(context, token)
    if context.signed_in is not None and token is not None:
        context.csrf = sessions.csrf_token(token)


async def _check_form(context: RequestContext, services: Services, secret: str | None) -> Fault | None:
    """Read the form and check that it was sent by one of ARI's pages. Raises ``BodyFault``."""
    head, settings = context.head, services.settings
    fault = csrf.same_origin_fault(head, settings)
    if fault is not None:
        return fault
    content = await body.read_body(head, context.receive)
    context.form = body.parse_form(head, content)
    context.receive = body.replay(content, context.receive)
    return csrf.token_fault(head, settings, secret or None, context.form)


async def _find_session(context: RequestContext, token: str | None) -> SignedIn | None:
    return None if token is None else await Deps(context.instance).read(sessions.find, token)


def _add_visitor_cookie(context: RequestContext, services: Services) -> str:
    secret = secrets.token_urlsafe(32)
    cookie = set_cookie(services.settings, visitor_cookie_name(services.settings), secret, None)
    context.new_cookies.append((b"set-cookie", cookie.encode()))
    return secret


def _redirect_to_sign_in(context: RequestContext) -> Response:
    head = context.head
    here = head.path
    if head.query:
        here += "?" + head.query.decode("latin-1")
    target = f"{SIGN_IN}?next={quote(here, safe='')}" if head.method in ("GET", "HEAD") else SIGN_IN
    return redirect(target, htmx=head.first(b"hx-request") is not None)
