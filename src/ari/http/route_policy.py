"""The access rule of each route. Endpoints declare it with ``policy``; ARI doesn't start if one is missing."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, TypeVar

from ari.http.responses import Response

F = TypeVar("F", bound=Callable[..., Any])
_MARK = "__ari_policy__"
_NOT_GIVEN = ""
MAX_BODY_BYTES = 64 * 1024
MAX_BODY_DEPTH = 16


class AuthMode(Enum):
    """The kinds of authentication that an endpoint requires."""

    OPEN = "open"
    """Nothing."""
    VISITOR = "visitor"
    """Nothing, but forms need the CSRF token of the visitor's cookie."""
    SESSION = "session"
    """A session. Others are redirected to sign in, keys are refused."""
    KEY = "key"
    """A live API key with the scope. Sessions are refused."""
    KEY_OR_SESSION = "key_or_session"
    """A live API key with the scope, or a session."""
    FORWARD_AUTH = "forward_auth"
    """A proxy that asks about a request to another API, with any method. The handler authenticates both."""


class ResolvedScope(NamedTuple):
    """``template`` names the route in the usage log; a ``scope`` of ``None`` means any live key."""

    template: str
    scope: str | None


ScopeResolver = Callable[[str, str], ResolvedScope]
"""Finds the scope that a request needs from its method (``GET`` for HEAD) and its path."""


@dataclass(frozen=True, slots=True)
class FastRoute:
    """A handler that serves a route without the framework, which then only documents it.

    ``handler`` takes the ``RequestContext`` and the ``Services``; importing their types here would be a cycle. It
    returns the response, or ``None`` once it has sent one. ``reads_only``: it changes nothing but the usage log, so its
    row may be committed with its response, whatever the method. ``streams``: it reads the body itself, and commits its
    row before it does anything.
    """

    handler: Callable[[Any, Any], Awaitable[Response | None]]
    reads_only: bool = False
    streams: bool = False


@dataclass(frozen=True, slots=True)
class RoutePolicy:
    """The access rule that an endpoint declared with ``policy``."""

    auth: AuthMode
    scope: str | None = None
    sensitive: bool = False
    inline_styles: bool = False
    fast: FastRoute | None = None
    scope_resolver: ScopeResolver | None = None
    max_body_bytes: int = MAX_BODY_BYTES
    max_body_depth: int = MAX_BODY_DEPTH
    revokes_self: bool = False


class UndeclaredRoute(Exception):
    """A route that cannot be authorized: it has no policy, is declared twice, or is no plain HTTP route."""


def policy(
    auth: AuthMode,
    *,
    scope: str | None = _NOT_GIVEN,
    sensitive: bool = False,
    inline_styles: bool = False,
    fast: FastRoute | None = None,
    scope_resolver: ScopeResolver | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
    max_body_depth: int = MAX_BODY_DEPTH,
    revokes_self: bool = False,
) -> Callable[[F], F]:
    """Declare who may call an endpoint.

    ``scope``: what an API key needs; ``None`` = any live key. Where keys are accepted it must be given, or a
    ``scope_resolver`` that finds it for each request. ``sensitive``: a session must have confirmed its password within
    15 minutes (security.md 29); keys are not asked. ``inline_styles``: the page may hold styles without a nonce.
    ``max_body_bytes`` and ``max_body_depth`` bound a JSON body (security.md 6). ``revokes_self``: it does nothing but
    revoke the calling key, so possession is enough: disabled or not, from any address, without consuming from limits.

    Raises ``UndeclaredRoute`` where keys are accepted and no scope is given, and for ``revokes_self`` where anything
    but a key may call, or a scope is needed.
    """
    if scope_resolver is not None:
        scope = "*"
    if scope == _NOT_GIVEN:
        if auth in (AuthMode.KEY, AuthMode.KEY_OR_SESSION):
            raise UndeclaredRoute("a route for API keys must declare its scope; None = any live key")
        scope = None
    if revokes_self and (auth is not AuthMode.KEY or scope is not None):
        raise UndeclaredRoute("only a route for any live key can revoke the calling key")
    bounds = (max_body_bytes, max_body_depth)
    declared = RoutePolicy(auth, scope, sensitive, inline_styles, fast, scope_resolver, *bounds, revokes_self)

    def mark(endpoint: F) -> F:
        setattr(endpoint, _MARK, declared)
        return endpoint

    return mark


def policy_of(endpoint: Callable[..., Any]) -> RoutePolicy:
    """The policy of an endpoint. Raises ``UndeclaredRoute`` if it declared none."""
    declared: RoutePolicy | None = getattr(endpoint, _MARK, None)
    if declared is None:
        raise UndeclaredRoute(f"{getattr(endpoint, '__qualname__', endpoint)} does not declare who may call it")
    return declared


def list_route_scopes(routes: Iterable[Any]) -> dict[str, set[str]]:
    """The scopes that the methods of each route need, by its path."""
    found: dict[str, set[str]] = {}
    for route in routes:
        scope = policy_of(route.endpoint).scope
        found.setdefault(route.path, set()).update([scope] if scope else [])
    return found


def map_head_to_get(method: str) -> str:
    """The method by which a request is authorized: what may GET may HEAD (RFC 9110 §9.3.2)."""
    return "GET" if method == "HEAD" else method
