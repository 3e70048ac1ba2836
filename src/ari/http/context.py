"""What the guard found out about a request; the doors read it with ``context_of``."""

import secrets
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol

from ari.accounts import sessions
from ari.accounts.model import SignedIn
from ari.base.caller import Caller
from ari.base.events import Origin
from ari.deps import Deps
from ari.http.cookies import USUAL, Preferences
from ari.instance import Instance
from ari.keys.model import ApiKey

_PLACE = "ari.call"


@dataclass(slots=True)
class RequestContext:
    """Who calls and from where.

    ``csrf`` is the token that this visitor's forms carry, ``form`` the fields of a form body,
    ``preferences`` how this browser wants the pages.
    """

    instance: Instance
    request_id: str
    client_address: str | None
    user_agent: str | None
    key: ApiKey | None = None
    signed_in: SignedIn | None = None
    door: str = "api"
    csrf: str = ""
    preferences: Preferences = USUAL
    form: dict[str, list[str]] | None = None
    _nonce: str = ""

    @property
    def caller(self) -> Caller | None:
        """Who may be held responsible; ``None`` on open pages without a session."""
        if self.key is not None:
            return Caller(self.key.id, self.origin("api"), self.key.scopes, self.key.expires_at_ms)
        if self.signed_in is not None:
            return sessions.caller_of(self.signed_in, self.origin(self.door))
        return None

    @property
    def deps(self) -> Deps:
        """Commands for the caller. Raises ``RuntimeError`` on a route that the middleware opens to everybody."""
        caller = self.caller
        if caller is None:
            raise RuntimeError("a route that is open to visitors asked for its caller")
        return Deps(self.instance, caller)

    @property
    def visitor_deps(self) -> Deps:
        """Commands for a visitor, who holds no scope, whether or not somebody is signed in."""
        return Deps(self.instance, Caller("visitor", self.origin("web"), scopes=()))

    @property
    def nonce(self) -> str:
        """128 random bits for this answer's Content-Security-Policy."""
        self._nonce = self._nonce or secrets.token_urlsafe(16)
        return self._nonce

    def origin(self, door: str) -> Origin:
        """Where this request came from, for events."""
        return Origin(door, self.client_address, self.user_agent, self.request_id)


class HasScope(Protocol):
    """A Starlette request, or anything else around an ASGI scope."""

    @property
    def scope(self) -> MutableMapping[str, Any]: ...


def attach(scope: MutableMapping[str, Any], call: RequestContext) -> None:
    """Put the call where ``context_of`` finds it."""
    scope[_PLACE] = call


def context_of(request: HasScope) -> RequestContext:
    """The call of this request; every request behind the guard has one."""
    call: RequestContext = request.scope[_PLACE]
    return call


def deps_of(request: HasScope) -> Deps:
    """Commands for the caller of this request; there is one on every route that is not open to visitors."""
    return context_of(request).deps


def session_of(request: HasScope) -> SignedIn:
    """The session of this request, on a route that is open to sessions only."""
    signed_in = context_of(request).signed_in
    if signed_in is None:
        raise RuntimeError("a route that is open to others asked for the session")
    return signed_in


def visitor_deps_of(request: HasScope) -> Deps:
    """Commands for the visitor of an open page, such as sign-in."""
    return context_of(request).visitor_deps
