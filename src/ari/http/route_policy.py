"""Who may call which route, and which route a request has. A route that declares nothing prevents the start."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Protocol, TypeVar

from ari.http.fast_routes import FastRoutes, direct_of

F = TypeVar("F", bound=Callable[..., Any])
_MARK = "__ari_access__"
_SENSITIVE = "__ari_sensitive__"
_NARROW = "__ari_narrow__"
_MOST_NARROWED = 1_000


class AuthMode(Enum):
    OPEN = "open"
    NEEDS = "needs"
    PAGE = "page"
    VISITOR = "visitor"


@dataclass(frozen=True, slots=True)
class Access:
    """``NEEDS`` a live key with ``scope`` (``None`` = any) or a session; ``PAGE`` a session; ``VISITOR`` nothing.

    ``sensitive``: a session must have given its password of late; keys are not asked.
    ``inline_styles``: the page may hold styles that no nonce names. ``keys_only``: no session counts.
    """

    kind: AuthMode
    scope: str | None = None
    sensitive: bool = False
    inline_styles: bool = False
    keys_only: bool = False


Narrow = Callable[["Matched", str, str], "Matched"]


class Route(Protocol):
    """What the table reads of a Starlette or FastAPI route. ``app`` is its endpoint as an ASGI app."""

    path: str
    path_regex: re.Pattern[str]
    param_convertors: dict[str, Any]
    methods: Any
    endpoint: Any
    app: Any


@dataclass(frozen=True, slots=True)
class Matched:
    """The route of a request and its access; ``allow`` lists the methods where the route has others than this one.

    ``direct`` responds in the guard's place; ``None``: the endpoint of ``route`` does. ``narrow`` is called with this,
    the method and the path, and returns what holds for the one request.
    """

    template: str
    access: Access
    allow: tuple[str, ...] = ()
    direct: FastRoutes | None = None
    narrow: Narrow | None = None
    route: Route | None = None

    def path_params(self, path: str) -> dict[str, Any]:
        """The values of the template's parameters in a path of this route."""
        route = self.route
        found = None if route is None else route.path_regex.fullmatch(path)
        if route is None or found is None:
            raise ValueError("the path is not one of this route")
        return {name: route.param_convertors[name].convert(value) for name, value in found.groupdict().items()}


def scoped_method(method: str) -> str:
    """The method by which a request is authorized: what may GET may HEAD (RFC 9110 §9.3.2)."""
    return "GET" if method == "HEAD" else method


NO_ROUTE = Matched("(none)", Access(AuthMode.NEEDS, None))


class UndeclaredRoute(Exception):
    """A route that the guard cannot authorize: it declares no access, or is no plain route."""


def _marked(access: Access) -> Callable[[F], F]:
    def mark(endpoint: F) -> F:
        setattr(endpoint, _MARK, access)
        return endpoint

    return mark


def needs(scope: str | None) -> Callable[[F], F]:
    """The endpoint answers live keys with this scope (``None`` = any live key) and sessions."""
    return _marked(Access(AuthMode.NEEDS, scope))


def keys_need(narrow: Narrow) -> Callable[[F], F]:
    """The endpoint answers live keys, never sessions; ``narrow`` says which scope each request needs."""

    def mark(endpoint: F) -> F:
        setattr(endpoint, _NARROW, narrow)
        return _marked(Access(AuthMode.NEEDS, "*", keys_only=True))(endpoint)

    return mark


open_to_all = _marked(Access(AuthMode.OPEN))
"""The endpoint answers everybody."""
page = _marked(Access(AuthMode.PAGE))
"""A page for the signed-in; others are sent to sign in."""
docs_page = _marked(Access(AuthMode.NEEDS, "api:read", inline_styles=True))
"""The page of the API docs, for sessions and keys: the reference that it shows writes its styles itself."""
visitor_page = _marked(Access(AuthMode.VISITOR))
"""A page that needs no session, such as the sign-in."""


def sensitive(endpoint: F) -> F:
    """Besides: a session must have given its password within 15 minutes (security.md 29), or is asked for it first.

    Under /api it gets 403 ``confirmation_required``; a page asks, and goes on with what was wanted.
    """
    setattr(endpoint, _SENSITIVE, True)
    return endpoint


def access_of(endpoint: Callable[..., Any]) -> Access:
    """What the endpoint declared. Raises ``UndeclaredRoute`` if it declared nothing."""
    found: Access | None = getattr(endpoint, _MARK, None)
    if found is None:
        raise UndeclaredRoute(f"{getattr(endpoint, '__qualname__', endpoint)} does not declare who may call it")
    return replace(found, sensitive=True) if getattr(endpoint, _SENSITIVE, False) else found


class AccessTable:
    """The only router: finds the route of a request, with its access. ``Dispatcher`` runs what it found.

    ``routes`` are Starlette's or FastAPI's plain HTTP routes. Raises ``UndeclaredRoute`` for mounted apps, WebSockets
    and included routers, whose inner routes it would not see, and for an endpoint that declares no access.
    """

    def __init__(self, routes: Iterable[Any]) -> None:
        self._asked: dict[tuple[str, str], Matched] = {}
        self._exact: dict[str, list[tuple[frozenset[str], Matched]]] = {}
        self._patterns: list[tuple[re.Pattern[str], frozenset[str], Matched]] = []
        self._narrowed: dict[tuple[str, str], Matched] = {}
        self._taken: set[tuple[str, str]] = set()
        for route in routes:
            endpoint, methods = _parts_of(route)
            narrow = getattr(endpoint, _NARROW, None)
            matched = Matched(route.path, access_of(endpoint), direct=direct_of(endpoint), narrow=narrow, route=route)
            self._refuse_duplicates(route.path, methods)
            if "{" in route.path:
                self._patterns.append((route.path_regex, methods, matched))
            else:
                self._exact.setdefault(route.path, []).append((methods, matched))
                for method in methods:
                    self._asked.setdefault((method, route.path), matched)

    def match(self, method: str, path: str) -> Matched:
        """The route for this request, ``NO_ROUTE`` if there is none."""
        known = self._asked.get((method, path)) or self._narrowed.get((method, path))
        if known is not None:
            return known
        found = self._exact.get(path)
        if found is None:
            found = [(methods, matched) for pattern, methods, matched in self._patterns if pattern.fullmatch(path)]
        allowed: set[str] = set()
        for methods, matched in found:
            if method in methods:
                return matched if matched.narrow is None else self._narrow(matched.narrow, matched, method, path)
            allowed |= methods
        if allowed:
            return Matched(found[0][1].template, Access(AuthMode.NEEDS, None), tuple(sorted(allowed)))
        return NO_ROUTE

    def _refuse_duplicates(self, path: str, methods: frozenset[str]) -> None:
        """Two routes of one path and method could differ in who may call them."""
        for method in methods:
            if (method, path) in self._taken:
                raise UndeclaredRoute(f"{method} {path} is declared twice")
            self._taken.add((method, path))

    def _narrow(self, narrow: Narrow, matched: Matched, method: str, path: str) -> Matched:
        """Remembered, as long as there is room: the same few paths are asked for again and again."""
        if len(self._narrowed) >= _MOST_NARROWED:
            self._narrowed.clear()
        found = self._narrowed[method, path] = narrow(matched, scoped_method(method), path)
        return found

    def all(self) -> list[Matched]:
        """Every route, for tests and docs."""
        return [matched for group in self._exact.values() for _, matched in group] + [
            matched for _, _, matched in self._patterns
        ]


def _parts_of(route: Any) -> tuple[Callable[..., Any], frozenset[str]]:
    """The endpoint and the methods of a plain route. What responds to GET responds to HEAD (RFC 9110 §9.3.2)."""
    endpoint, methods = getattr(route, "endpoint", None), getattr(route, "methods", None)
    if endpoint is None or not methods or not hasattr(route, "path_regex"):
        raise UndeclaredRoute(f"{route!r} is not a plain HTTP route with methods, so the guard cannot authorize it")
    return endpoint, frozenset(methods) | ({"HEAD"} if "GET" in methods else frozenset())
