"""The only router: finds the route of a request, with its policy. ``Dispatcher`` runs the route it found."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from ari.http.route_policy import AuthMode, RoutePolicy, UndeclaredRoute, map_head_to_get, policy_of


class EndpointRoute(Protocol):
    """The attributes of a Starlette or FastAPI route that the table reads. ``app`` is its endpoint as an ASGI app."""

    path: str
    path_regex: re.Pattern[str]
    param_convertors: dict[str, Any]
    methods: Any
    endpoint: Any
    app: Any


class MatchedRoute(msgspec.Struct, frozen=True):
    """The route of a request. ``allow`` lists the route's methods where it does not have the request's.

    ``route`` is ``None`` where there is no endpoint to run.
    """

    template: str
    policy: RoutePolicy
    allow: tuple[str, ...] = ()
    route: EndpointRoute | None = None

    def path_params(self, path: str) -> dict[str, Any]:
        """The values of the template's parameters in a path. Raises ``ValueError`` if the path is another route's."""
        route = self.route
        found = None if route is None else route.path_regex.fullmatch(path)
        if route is None or found is None:
            raise ValueError("the path is not one of this route")
        return {name: route.param_convertors[name].convert(value) for name, value in found.groupdict().items()}


_MAX_CACHED_PATHS = 1_000
"""A path that was found before isn't compared with 40 patterns, which takes 31 µs for a request to the gateway."""
_ANY_KEY = RoutePolicy(AuthMode.KEY_OR_SESSION)
NO_ROUTE = MatchedRoute("(none)", _ANY_KEY)


class RouteTable:
    """``routes`` are Starlette's or FastAPI's plain HTTP routes.

    Raises ``UndeclaredRoute`` for an endpoint without a policy, for two routes with one path and method, and for
    mounted apps, WebSockets and included routers, whose inner routes it would not see.
    """

    def __init__(self, routes: Iterable[Any]) -> None:
        self._by_path: dict[str, dict[str, MatchedRoute]] = {}
        self._patterns: list[tuple[re.Pattern[str], frozenset[str], MatchedRoute]] = []
        self._any_method: list[tuple[re.Pattern[str], MatchedRoute]] = []
        self.match = lru_cache(_MAX_CACHED_PATHS)(self._find)
        """Returns the route for a method and a path, ``NO_ROUTE`` if there is none."""
        declared: set[tuple[str, str]] = set()
        for route in routes:
            endpoint, methods = _parts_of(route)
            matched = MatchedRoute(route.path, policy_of(endpoint), route=route)
            for method in methods:
                if (method, route.path) in declared:
                    raise UndeclaredRoute(f"{method} {route.path} is declared twice")
                declared.add((method, route.path))
            if matched.policy.auth is AuthMode.FORWARD_AUTH:
                self._any_method.append((route.path_regex, matched))
            elif "{" in route.path:
                self._patterns.append((route.path_regex, methods, matched))
            else:
                self._by_path.setdefault(route.path, {}).update(dict.fromkeys(methods, matched))

    def _find(self, method: str, path: str) -> MatchedRoute:
        found = self._by_path.get(path)
        if found is None:
            for pattern, matched in self._any_method:
                if pattern.fullmatch(path):
                    return matched
            found = {}
            for pattern, methods, matched in self._patterns:
                if pattern.fullmatch(path):
                    if method in methods:
                        return _resolve_scope(matched, method, path)
                    found.update(dict.fromkeys(methods, matched))
        if method in found:
            return _resolve_scope(found[method], method, path)
        if found:
            template = next(iter(found.values())).template
            return MatchedRoute(template, _ANY_KEY, tuple(sorted(found)))
        return NO_ROUTE

    def all(self) -> list[MatchedRoute]:
        """Every route, for tests and docs."""
        exact = {id(one): one for methods in self._by_path.values() for one in methods.values()}
        patterns = [*(matched for _, _, matched in self._patterns), *(matched for _, matched in self._any_method)]
        return [*exact.values(), *patterns]


def _resolve_scope(matched: MatchedRoute, method: str, path: str) -> MatchedRoute:
    resolve = matched.policy.scope_resolver
    if resolve is None:
        return matched
    template, scope = resolve(map_head_to_get(method), path)
    return MatchedRoute(template, replace(matched.policy, scope=scope), route=matched.route)


def _parts_of(route: Any) -> tuple[Callable[..., Any], frozenset[str]]:
    """The endpoint and the methods of a plain route. What responds to GET responds to HEAD (RFC 9110 §9.3.2)."""
    endpoint, methods = getattr(route, "endpoint", None), getattr(route, "methods", None)
    if endpoint is None or not methods or not hasattr(route, "path_regex"):
        raise UndeclaredRoute(f"{route!r} is not a plain HTTP route with methods, so it cannot be authorized")
    return endpoint, frozenset(methods) | ({"HEAD"} if "GET" in methods else frozenset())
