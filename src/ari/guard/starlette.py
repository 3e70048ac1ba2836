"""API keys for Starlette: a decorator for endpoints.

::

    ari = Ari.local()

    @ari.key("orders:read")
    async def list_orders(request: Request) -> Response:
        key = key_of(request)

    app = Starlette(routes=[Route("/orders", list_orders)], middleware=[Middleware(ApiKeys, ari=ari)])
"""

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, ParamSpec

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from ari.guard import entry
from ari.guard.asgi import ApiKeys, KeyRefused, Scope, find_guarded
from ari.guard.refusal import Refusal
from ari.guard.verified_key import Key, KeyConsumer

__all__ = ["ApiKeys", "Ari", "Key", "KeyConsumer", "KeyRefusedError", "find_route", "key_of"]

P = ParamSpec("P")
_KEY = "ari.guard.key"
_NO_REQUEST = "ari.key() decorates endpoints, which take a Request or a WebSocket."


class KeyRefusedError(HTTPException, KeyRefused):
    """The refusal as Starlette's HTTP exception; ``refusal`` is the whole response."""

    def __init__(self, refusal: Refusal) -> None:
        headers = {name: value for name, value in refusal.text_headers if not name.startswith("content-")}
        super().__init__(refusal.status, refusal.detail, headers)
        self.refusal = refusal


class StarletteAri(entry.Ari):
    """``ari.guard.Ari`` with a decorator for Starlette."""

    def key(
        self, *scopes: str, any_key: bool = False, cost: int = 1, limits: Sequence[str] | None = None
    ) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
        """Require a key with all these scopes, on an endpoint: a function or a method, for HTTP or WebSocket.

        ``any_key=True`` accepts every active key. ``cost`` is consumed from the key's ``limits``, by default all.
        Raises ``ConfigurationError``.
        """
        requirement = self.require(*scopes, any_key=any_key, cost=cost, limits=limits)

        def decorate(endpoint: Callable[P, Any]) -> Callable[P, Any]:
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

            return run

        return decorate


Ari = StarletteAri


def key_of(connection: HTTPConnection) -> Key:
    """The key of a request to a decorated endpoint. Raises ``RuntimeError`` elsewhere."""
    key: Key | None = connection.scope.get(_KEY)
    if key is None:
        raise RuntimeError("This endpoint isn't guarded: decorate it with ari.key().")
    return key


def find_route(scope: Scope) -> str | None:
    """The template of the route that runs, with the paths of the apps that it is mounted in."""
    path: str | None = getattr(scope.get("route"), "path", None)
    if path is None:
        return None
    root = scope.get("root_path", "")
    mounted = root[len(scope.get("app_root_path", root)) :]
    if not mounted:
        return path
    names = {str(value): "{" + name + "}" for name, value in scope.get("path_params", {}).items()}
    return "/".join(names.get(part, part) for part in mounted.split("/")) + path


def _find_connection(values: Sequence[Any]) -> HTTPConnection:
    found = next((value for value in values if isinstance(value, HTTPConnection)), None)
    if found is None:
        raise RuntimeError(_NO_REQUEST)
    return found
