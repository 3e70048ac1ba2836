"""One request on its way through the stages. Endpoints get it with ``context_of``."""

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

import msgspec

from ari.accounts import sessions
from ari.accounts.model import SignedIn
from ari.base.caller import Caller
from ari.base.events import Origin
from ari.base.hidden_fields import HiddenFields
from ari.base.served_request import ServedRequest
from ari.deps import Deps
from ari.http.client_address import Client
from ari.http.cookies import Preferences, preferences
from ari.http.credentials import Credentials
from ari.http.problem import Header
from ari.http.request_head import RequestHead
from ari.http.route_table import MatchedRoute
from ari.http.unread_body import UnreadBody
from ari.http.usage_record import UsageRecord
from ari.instance import Instance
from ari.keys.model import ApiKey

_PLACE = "ari.context"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class RequestContext(HiddenFields, msgspec.Struct, eq=False):
    """The results of a request's stages.

    From its head: ``head``, ``client``, ``route``, ``credentials`` and ``keys_in_url`` (texts in the shape of a key).
    From authentication: ``key`` or ``signed_in`` with its ``door``, the ``csrf`` token for the forms of this visitor,
    and cookies to set. From its body: ``form`` or ``json``. ``send`` is the ASGI ``send`` that holds the response until
    ``record`` is committed; ``started`` says that the response has begun. ``peer`` is the address of the connection.
    ``served`` is what the log knows of the request.
    """

    instance: Instance
    head: RequestHead
    client: Client
    route: MatchedRoute
    credentials: Credentials
    keys_in_url: list[bytes]
    record: UsageRecord
    receive: Receive
    unread_body: UnreadBody | None
    send: Send
    served: ServedRequest
    key: ApiKey | None = None
    signed_in: SignedIn | None = None
    door: str = "api"
    csrf: str = ""
    new_cookies: list[Header] = []
    form: dict[str, list[str]] | None = None
    json: Any = None
    started: bool = False
    peer: str | None = None
    _preferences: Preferences | None = None
    _nonce: str = ""

    @property
    def request_id(self) -> str:
        return self.head.request_id

    @property
    def client_address(self) -> str | None:
        return self.client.text

    @property
    def user_agent(self) -> str | None:
        return self.head.user_agent

    @property
    def cookies(self) -> list[str]:
        """The lines of the Cookie header."""
        return [line.decode("latin-1") for line in self.head.lines(b"cookie")]

    @property
    def preferences(self) -> Preferences:
        """How this browser wants the pages."""
        if self._preferences is None:
            self._preferences = preferences([] if self.head.is_api else self.cookies)
        return self._preferences

    @property
    def caller(self) -> Caller | None:
        """The key or account that calls; ``None`` on open pages without a session."""
        if self.key is not None:
            key, secret = self.key, self.key.secret
            return Caller(
                key.id,
                self.origin("api"),
                key.scopes,
                key.expires_at_ms,
                addresses=key.policy.addresses,
                secret_number=None if secret is None else secret.number,
                revokes_self=self.route.policy.revokes_self,
            )
        if self.signed_in is not None:
            return sessions.caller_of(self.signed_in, self.origin(self.door))
        return None

    @property
    def deps(self) -> Deps:
        """Commands for the caller. Raises ``RuntimeError`` on a route that the middleware opens to everybody."""
        caller = self.caller
        if caller is None:
            raise RuntimeError("a route that is open to visitors needs a caller")
        return Deps(self.instance, caller)

    @property
    def visitor_deps(self) -> Deps:
        """Commands for a visitor, who holds no scope, whether or not somebody is signed in."""
        return Deps(self.instance, Caller("visitor", self.origin("web"), scopes=()))

    @property
    def nonce(self) -> str:
        """128 random bits for this response's Content-Security-Policy."""
        self._nonce = self._nonce or secrets.token_urlsafe(16)
        return self._nonce

    def origin(self, door: str) -> Origin:
        """Where this request came from, for events."""
        return Origin(door, self.client_address, self.user_agent, self.request_id)


class HasScope(Protocol):
    """A Starlette request, or anything else around an ASGI scope."""

    @property
    def scope(self) -> MutableMapping[str, Any]: ...


def attach(scope: MutableMapping[str, Any], context: RequestContext) -> None:
    """Put the context where ``context_of`` finds it."""
    scope[_PLACE] = context


def context_of(request: HasScope) -> RequestContext:
    """The context of this request; every request behind the middleware has one."""
    context: RequestContext = request.scope[_PLACE]
    return context


def deps_of(request: HasScope) -> Deps:
    """Commands for the caller of this request; there is one on every route that is not open to visitors."""
    return context_of(request).deps


def session_of(request: HasScope) -> SignedIn:
    """The session of this request, on a route that is open to sessions only."""
    signed_in = context_of(request).signed_in
    if signed_in is None:
        raise RuntimeError("a route that is open to other callers needs a session")
    return signed_in


def visitor_deps_of(request: HasScope) -> Deps:
    """Commands for the visitor of an open page, such as sign-in."""
    return context_of(request).visitor_deps
