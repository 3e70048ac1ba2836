"""API keys for Litestar: a plugin, and guards for handlers, controllers and routers.

::

    ari = Ari.local()

    @get("/orders", guards=[ari.key("orders:read")])
    async def list_orders(request: Request[None, Key, State]) -> list[Order]:
        key = request.auth

    app = Litestar([list_orders], plugins=[ApiKeysPlugin(ari)])
"""

from collections.abc import MutableMapping, Sequence
from typing import Any, cast

from ari.base.extras import importing

with importing("guard-litestar"):
    from litestar.config.app import AppConfig
    from litestar.connection import ASGIConnection
    from litestar.exceptions import HTTPException
    from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
    from litestar.middleware import DefineMiddleware
    from litestar.openapi.spec import Components, SecurityScheme
    from litestar.plugins import InitPluginProtocol, ReceiveRoutePlugin
    from litestar.routes import BaseRoute, HTTPRoute
    from litestar.utils import join_paths

from ari.guard import entry
from ari.guard.asgi import ApiKeys, Errors, KeyRefused, Scope, find_guarded
from ari.guard.combined_requirement import combine
from ari.guard.held_request import join_headers
from ari.guard.refusal import Refusal
from ari.guard.requirement import Requirement
from ari.guard.verified_key import Key, KeyConsumer

__all__ = ["ApiKeysPlugin", "Ari", "Key", "KeyConsumer", "LitestarKeyRefused"]

_SCHEMES = {
    "Bearer": SecurityScheme(type="http", scheme="bearer", description="An API key."),
    "ApiKey": SecurityScheme(type="apiKey", name="x-api-key", security_scheme_in="header", description="An API key."),
}


class LitestarKeyRefused(HTTPException, KeyRefused):
    """The refusal as Litestar's HTTP exception; ``refusal`` is the whole response."""

    def __init__(self, refusal: Refusal) -> None:
        headers = {name: value for name, value in join_headers(refusal).items() if not name.startswith("content-")}
        super().__init__(detail=refusal.detail, status_code=refusal.status, headers=headers)
        self.refusal = refusal


class LitestarAri(entry.Ari):
    """``ari.guard.Ari`` with guards for Litestar."""

    def key(
        self, *scopes: str, any_key: bool = False, cost: int = 1, limits: Sequence[str] | None = None
    ) -> "KeyGuard":
        """A guard that requires a key with all these scopes; the handler finds its ``Key`` in ``request.auth``.

        ``any_key=True`` accepts every active key. ``cost`` is consumed from the key's ``limits``, by default all.
        Raises ``ConfigurationError``.
        """
        return KeyGuard(self, self.require(*scopes, any_key=any_key, cost=cost, limits=limits))

    def find_requirement(self, scope: MutableMapping[str, Any]) -> tuple[Requirement, str | None] | None:
        """A middleware may respond before Litestar runs the guards, but not before it knows the handler."""
        handler: BaseRouteHandler | None = scope.get("route_handler")
        if handler is None or scope.get("method") == "OPTIONS":
            return None
        found = _list_requirements(handler, self)
        return (combine(found), _find_template(scope, handler)) if found else None


Ari = LitestarAri


class KeyGuard:
    """Verifies the request's key when Litestar runs the guards of a handler."""

    def __init__(self, ari: LitestarAri, requirement: Requirement) -> None:
        self._ari = ari
        self.requirement = requirement

    def belongs_to(self, ari: entry.Ari) -> bool:
        """Whether ``ari`` made it."""
        return self._ari is ari

    def __deepcopy__(self, _: dict[int, Any]) -> "KeyGuard":
        """Itself: Litestar copies the handlers of controllers with their guards."""
        return self

    async def __call__(self, connection: "ASGIConnection[Any, Any, Any, Any]", handler: BaseRouteHandler) -> None:
        guarded = find_guarded(cast("Scope", connection.scope), self._ari)
        requirement = combine([self.requirement, *_list_requirements(handler, self._ari)])
        admission = await guarded.authorize(requirement, _find_template(cast("Scope", connection.scope), handler))
        if admission.refusal is not None:
            raise LitestarKeyRefused(admission.refusal)
        connection.scope["auth"] = admission.key


class ApiKeysPlugin(InitPluginProtocol, ReceiveRoutePlugin):
    """Adds the middleware, opens and closes ``ari`` with the app, and fills in the OpenAPI document.

    ``errors`` is that of the middleware ``ApiKeys``.
    """

    def __init__(self, ari: LitestarAri, errors: Errors = "problem") -> None:
        self._ari = ari
        self._errors = errors

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        app_config.middleware.insert(0, DefineMiddleware(cast("Any", ApiKeys), ari=self._ari, errors=self._errors))
        app_config.on_startup.append(self._ari.open)
        app_config.on_shutdown.append(self._ari.close)
        if app_config.openapi_config is not None:
            found = app_config.openapi_config.components
            components = found if isinstance(found, list) else [found]
            app_config.openapi_config.components = [*components, Components(security_schemes=dict(_SCHEMES))]
        return app_config

    def receive_route(self, route: BaseRoute) -> None:
        """Describe the keys that the handlers of a route require."""
        if not isinstance(route, HTTPRoute):
            return
        for handler in route.route_handlers:
            scopes = _list_scopes(handler)
            if scopes is not None:
                handler.security = [*(handler.security or ()), {"Bearer": scopes}, {"ApiKey": scopes}]


def _list_requirements(handler: BaseRouteHandler, ari: entry.Ari) -> list[Requirement]:
    guards = [one for one in handler.resolve_guards() if isinstance(one, KeyGuard)]
    return [one.requirement for one in guards if one.belongs_to(ari)]


def _find_template(scope: Scope, handler: BaseRouteHandler) -> str | None:
    """The template of the route; for a mounted ASGI app, which has none, the path that it is mounted at."""
    template: str | None = scope.get("path_template")
    if template:
        return template
    *layers, _ = handler.ownership_layers
    return join_paths([*(getattr(layer, "path", "") for layer in layers), *sorted(handler.paths)[:1]])


def _list_scopes(handler: HTTPRouteHandler) -> list[str] | None:
    guards = [guard for guard in handler.resolve_guards() if isinstance(guard, KeyGuard)]
    return [scope for guard in guards for scope in guard.requirement.scopes] if guards else None
