"""A request without an API key: a browser, with or without a session."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

from ari.accounts import sessions
from ari.accounts.model import SignedIn
from ari.deps import Deps
from ari.http import body as bodies
from ari.http.auth import csrf
from ari.http.auth.credentials import mistake
from ari.http.cookies import read_cookie, session_cookie_name, set_cookie, visitor_cookie_name
from ari.http.edge_checks import bucket_of
from ari.http.problem import Fault
from ari.http.responses import Response, redirect
from ari.http.route_policy import AuthMode, RoutePolicy
from ari.http.route_table import NO_ROUTE, MatchedRoute
from ari.keys.reasons import MISSING

if TYPE_CHECKING:
    from ari.http.request_handler import RequestHandler

SIGN_IN = "/sign-in"
"""The page to which a request without a session is sent."""


class SessionAuth:
    """Finds the session and, for unsafe requests, the proof that they come from ARI's own page."""

    def __init__(self, exchange: RequestHandler) -> None:
        self._exchange = exchange
        self._incoming = exchange.incoming
        self._settings = exchange.settings
        self._call = exchange.call
        self._cookies = [line.decode("latin-1") for line in exchange.incoming.lines(b"cookie")]

    async def admit(self, matched: MatchedRoute) -> Response | None:
        """``None`` if the handler may run, else the answer in its place."""
        access = matched.policy
        if access.auth is AuthMode.OPEN or (matched is NO_ROUTE and not self._incoming.is_api):
            return None
        if access.auth in (AuthMode.KEY, AuthMode.KEY_OR_SESSION) and self._incoming.is_api:
            return await self._admit_to_api(access)
        return await self._admit_to_page(access)

    async def _admit_to_api(self, access: RoutePolicy) -> Response | None:
        counts = access.auth is not AuthMode.KEY and csrf.session_counts_under_api(self._incoming, self._settings)
        token = self._session_token() if counts else None
        signed_in = await self._signed_in(token)
        if token is None or signed_in is None:
            await self._exchange.instance.usage.count(MISSING.code, bucket_of(self._exchange.client.address))
            return self._exchange.fault(Fault(MISSING, mistake(self._incoming)))
        self._enter(signed_in, "api")
        fault = None
        if not self._incoming.is_safe:
            fault = csrf.same_origin_fault(self._incoming, self._settings) or csrf.token_fault(
                self._incoming, self._settings, token, None
            )
        if fault is None and access.sensitive:
            sessions.caller_of(signed_in, self._call.origin("api")).require_confirmed(self._incoming.at_ms)
        return None if fault is None else self._exchange.fault(fault)

    async def _admit_to_page(self, access: RoutePolicy) -> Response | None:
        token = self._session_token()
        signed_in = await self._signed_in(token)
        sent = token if signed_in is not None else read_cookie(self._cookies, visitor_cookie_name(self._settings))
        self._call.csrf = sessions.csrf_token(sent or self._new_visitor())
        if signed_in is not None:
            self._enter(signed_in, "web")
        if not self._incoming.is_safe:
            answer = await self._prove(sent)
            if answer is not None:
                return answer
        if access.auth is not AuthMode.VISITOR and signed_in is None:
            return self._to_sign_in()
        return None

    async def _prove(self, secret: str | None) -> Response | None:
        fault = csrf.same_origin_fault(self._incoming, self._settings)
        if fault is not None:
            return self._exchange.fault(fault)
        content = await bodies.read_body(self._incoming, self._exchange.receive)
        self._call.form = bodies.parse_form(self._incoming, content)
        self._exchange.receive = bodies.replay(content, self._exchange.receive)
        fault = csrf.token_fault(self._incoming, self._settings, secret or None, self._call.form)
        return None if fault is None else self._exchange.fault(fault)

    def _session_token(self) -> str | None:
        return read_cookie(self._cookies, session_cookie_name(self._settings))

    async def _signed_in(self, token: str | None) -> SignedIn | None:
        if token is None:
            return None
        return await Deps(self._exchange.instance).read(sessions.find, token)

    def _enter(self, signed_in: SignedIn, door: str) -> None:
        self._call.signed_in = signed_in
        self._call.door = door

    def _new_visitor(self) -> str:
        secret = secrets.token_urlsafe(32)
        cookie = set_cookie(self._settings, visitor_cookie_name(self._settings), secret, None)
        self._exchange.cookies.append((b"set-cookie", cookie.encode()))
        return secret

    def _to_sign_in(self) -> Response:
        here = self._incoming.path
        if self._incoming.query:
            here += "?" + self._incoming.query.decode("latin-1")
        target = f"{SIGN_IN}?next={quote(here, safe='')}" if self._incoming.method in ("GET", "HEAD") else SIGN_IN
        return redirect(target, htmx=self._incoming.first(b"hx-request") is not None)
