"""API keys for Starlette: a decorator for endpoints.

::

    ari = Ari.local()

    @ari.key("orders:read")
    async def list_orders(request: Request) -> Response:
        key = key_of(request)

    app = Starlette(routes=[Route("/orders", list_orders)], middleware=[Middleware(ApiKeys, ari=ari)])
"""

from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from functools import wraps
from inspect import isclass, iscoroutinefunction
from typing import Any, ParamSpec

from ari.base.extras import importing

with importing("guard-starlette"):
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.requests import HTTPConnection
    from starlette.routing import BaseRoute, Match

from ari.base.errors import ConfigurationError
from ari.guard import entry
from ari.guard.asgi import ApiKeys, KeyRefused, Scope, find_guarded
from ari.guard.combined_requirement import combine
from ari.guard.held_request import join_headers
from ari.guard.refusal import Refusal
from ari.guard.requirement import Requirement
from ari.guard.verified_key import Key, KeyConsumer

__all__ = ["ApiKeys", "Ari", "Key", "KeyConsumer", "KeyRefusedError", "find_route", "key_of"]

P = ParamSpec("P")
ListRoutes = Callable[[Iterable[BaseRoute]], Iterable[Any]]
_HANDSHAKE = "websocket"
_KEY = "ari.guard.key"
_GUARD = "ari_guard"
_UNCACHED = (None, "OPTIONS")
"""A handshake, and CORS preflights, which browsers send without a key."""
_AFTER_HANDSHAKE = ("on_receive", "on_disconnect")
_NO_HANDSHAKE = "ari.key() must decide at the handshake: decorate on_connect, or the whole WebSocket endpoint."
_NO_APP = "A middleware between ApiKeys and the app copies the scope: make ApiKeys a middleware of the app."
_NO_REQUEST = "ari.key() decorates endpoints, which take a Request or a WebSocket."


class KeyRefusedError(HTTPException, KeyRefused):
    """The refusal as Starlette's HTTP exception; ``refusal`` is the whole response."""

    def __init__(self, refusal: Refusal) -> None:
        headers = {name: value for name, value in join_headers(refusal).items() if not name.startswith("content-")}
        super().__init__(refusal.status, refusal.detail, headers)
        self.refusal = refusal


class StarletteAri(entry.Ari):
    """``ari.guard.Ari`` with a decorator for Starlette."""

    def key(
        self, *scopes: str, any_key: bool = False, cost: int = 1, limits: Sequence[str] | None = None
    ) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
        """Require a key with all these scopes, on an endpoint: a function or a method, for HTTP or WebSocket.

        ``any_key=True`` accepts every active key. ``cost`` is consumed from the key's ``limits``, by default all.
        Decorators of one endpoint count together. Raises ``ConfigurationError``.
        """
        own = self.require(*scopes, any_key=any_key, cost=cost, limits=limits)

        def decorate(endpoint: Callable[P, Any]) -> Callable[P, Any]:
            if getattr(endpoint, "__name__", "") in _AFTER_HANDSHAKE:
                raise ConfigurationError(_NO_HANDSHAKE)
            ari, inner = getattr(endpoint, _GUARD, (None, None))
            requirement = combine([own, inner]) if ari is self and inner is not None else own

            @wraps(endpoint)
            async def run(*args: P.args, **kwargs: P.kwargs) -> Any:
                connection = _find_connection((*args, *kwargs.values()))
                guarded = find_guarded(connection.scope, self)
                admission = await guarded.authorize(requirement, find_route(connection.scope))
                if admission.refusal is not None:
                    raise KeyRefusedError(admission.refusal)
                connection.scope[_KEY] = admission.key
                if iscoroutinefunction(endpoint):
                    return await endpoint(*args, **kwargs)
                return await run_in_threadpool(endpoint, *args, **kwargs)

            setattr(run, _GUARD, (self, requirement))
            return run

        return decorate

    def find_requirement(self, scope: MutableMapping[str, Any]) -> tuple[Requirement, str | None] | None:
        """A cache, in a middleware or above the decorator, may respond before the decorated endpoint runs."""
        route, template = find_matched(scope, scope.get("route"))
        if route is None:
            return None
        for one in _list_decorated(getattr(route, "endpoint", None), scope.get("method", _HANDSHAKE)):
            ari, requirement = getattr(one, _GUARD, (None, None))
            if ari is self and requirement is not None:
                return requirement, template
        return None


Ari = StarletteAri


def key_of(connection: HTTPConnection) -> Key:
    """The key of a request to a decorated endpoint. Raises ``RuntimeError`` elsewhere."""
    key: Key | None = connection.scope.get(_KEY)
    if key is None:
        raise RuntimeError("This endpoint isn't guarded: decorate it with ari.key().")
    return key


def find_matched(scope: Scope, route: Any, list_routes: ListRoutes = iter) -> tuple[Any, str | None]:
    """The route that a request leads to, and its template; ``route`` is the one that runs, if the scope has it.

    A middleware that copies the scope hides the route from those around it, so it is found again. A method that no
    route takes counts as GET, because caches respond to HEAD, or to any method, with what they keep of a GET. Raises
    ``RuntimeError`` where there is no app to find the route in: nobody knows then whether it is guarded.
    """
    method = scope.get("method")
    is_known = route is not None and not hasattr(route, "routes")
    if is_known and (method in _UNCACHED or _takes(route, scope)):
        path: str | None = getattr(route, "path", None)
        return route, None if path is None else add_mounts(scope, path, list_routes)
    parent = scope.get("router") or scope.get("app")
    if parent is None:
        raise RuntimeError(_NO_APP)
    outside = leave_mounts(scope)
    tried = [outside] if method in _UNCACHED else [outside, {**outside, "method": "GET"}]
    for one in tried:
        found = match_route(parent.routes, one, list_routes)
        if found is not None and _takes(found[1], one):
            return found[1], found[0]
    return None, None  # such as the OPTIONS of CORS: no guard runs


def _takes(route: Any, scope: Scope) -> bool:
    methods = getattr(route, "methods", None) or ()
    return not methods or scope.get("method") in methods


def _list_decorated(endpoint: Any, method: str) -> Iterator[Any]:
    """The endpoint, what decorators and ``partial`` hide in it, and the methods of a class that a request runs."""
    while endpoint is not None:
        yield endpoint
        if isclass(endpoint):
            name = "on_connect" if method == _HANDSHAKE else method.lower()
            handler = getattr(endpoint, name, None) or (getattr(endpoint, "get", None) if method != "OPTIONS" else None)
            for one in (handler, getattr(endpoint, "dispatch", None)):
                yield from _list_decorated(one, method)
        endpoint = getattr(endpoint, "func", None) or getattr(endpoint, "__wrapped__", None)


def find_route(scope: Scope) -> str | None:
    """The template of the route that runs, with those of the apps that it is mounted in."""
    path: str | None = getattr(scope.get("route"), "path", None)
    return None if path is None else add_mounts(scope, path)


def add_mounts(scope: Scope, path: str, list_routes: ListRoutes = iter) -> str:
    """The template ``path``, after the templates of the apps that it is mounted in; never a caller's text."""
    root = scope.get("root_path", "")
    outer = scope.get("app_root_path", root)
    mounted: str = root[len(outer) :]
    if not mounted:
        return path
    if not scope.get("path_params"):
        return mounted + path
    found = match_route(getattr(scope.get("router"), "routes", ()), leave_mounts(scope), list_routes)
    return path if found is None else found[0]


def leave_mounts(scope: Scope) -> Scope:
    """The scope as the outermost router got it."""
    return {**scope, "root_path": scope.get("app_root_path", scope.get("root_path", "")), "path_params": {}}


def match_route(routes: Iterable[BaseRoute], scope: Scope, list_routes: ListRoutes = iter) -> tuple[str, Any] | None:
    """The template and the route that a request leads to, found as Starlette does; ``None`` without one.

    ``list_routes`` gives the routes inside of a framework's own kinds of routes.
    """
    partial: Any = None
    for route in list_routes(routes):
        match, child = route.matches(scope)
        path: str = getattr(route, "path", None) or ""
        if match is Match.FULL:
            inner = match_route(getattr(route, "routes", None) or (), {**scope, **child}, list_routes)
            return (path, route) if inner is None else (path + inner[0], inner[1])
        if match is Match.PARTIAL and partial is None:
            partial = route
    return None if partial is None else (partial.path, partial)


def _find_connection(values: Sequence[Any]) -> HTTPConnection:
    found = next((value for value in values if isinstance(value, HTTPConnection)), None)
    if found is None:
        raise RuntimeError(_NO_REQUEST)
    return found
