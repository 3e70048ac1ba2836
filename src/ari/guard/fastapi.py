"""API keys for FastAPI: a ``Security`` dependency, described in the OpenAPI document.

::

    ari = Ari.local()
    app = FastAPI()
    app.add_middleware(ApiKeys, ari=ari)

    @app.get("/orders")
    async def list_orders(key: Annotated[Key, Security(ari.key("orders:read"))]) -> list[Order]: ...
"""

import inspect
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from typing import Annotated, Any, NamedTuple

from ari.base.extras import importing

with importing("guard-fastapi"):
    from fastapi import Security
    from fastapi.openapi.models import APIKey, APIKeyIn
    from fastapi.openapi.models import HTTPBearer as BearerModel
    from fastapi.routing import RouteContext, iter_route_contexts
    from fastapi.security import SecurityScopes
    from fastapi.security.base import SecurityBase
    from starlette.requests import HTTPConnection
    from starlette.routing import BaseRoute

from ari.guard import entry
from ari.guard.asgi import ApiKeys, find_guarded
from ari.guard.backend import Backend
from ari.guard.combined_requirement import combine
from ari.guard.requirement import Requirement, make_requirement
from ari.guard.starlette import KeyRefusedError, find_matched
from ari.guard.verified_key import Key, KeyConsumer

__all__ = ["ApiKeys", "Ari", "Key", "KeyConsumer", "KeyRefusedError"]


class FastApiAri(entry.Ari):
    """``ari.guard.Ari`` with dependencies for FastAPI."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self._dependencies: dict[Requirement, KeyDependency] = {}

    def key(
        self, *scopes: str, any_key: bool = False, cost: int = 1, limits: Sequence[str] | None = None
    ) -> "KeyDependency":
        """A dependency that requires a key with all these scopes, and gives its ``Key`` to the handler.

        ``any_key=True`` accepts every active key. ``cost`` is consumed from the key's ``limits``, by default all.
        Equal arguments give the same dependency, for ``app.dependency_overrides``. Raises ``ConfigurationError``.
        """
        requirement = self.require(*scopes, any_key=any_key, cost=cost, limits=limits)
        found = self._dependencies.get(requirement)
        if found is None:
            found = self._dependencies[requirement] = KeyDependency(self, requirement)
        return found

    def find_requirement(self, scope: MutableMapping[str, Any]) -> tuple[Requirement, str | None] | None:
        """FastAPI reads the body, and may refuse it, before it resolves dependencies."""
        route, template = _find_route(scope)
        found = self.list_requirements(scope, route)
        return (combine(found), template) if found else None

    def combine_guards(self, scope: MutableMapping[str, Any], route: Any, requirement: Requirement) -> Requirement:
        """The combined requirement of a route's guards, one of which requires ``requirement``; kept with the route."""
        known: dict[Any, Requirement] | None = getattr(route, _COMBINED, None)
        if known is None or getattr(scope.get("app"), "dependency_overrides", None):
            return combine([*self.list_requirements(scope, route), requirement])
        needed = known.get((self, requirement))
        if needed is None:
            needed = known[self, requirement] = combine([*self.list_requirements(scope, route), requirement])
        return needed

    def list_requirements(self, scope: MutableMapping[str, Any], route: Any) -> list[Requirement]:
        """What each guard of a route requires, without those that a test overrides."""
        overrides = getattr(scope.get("app"), "dependency_overrides", {})
        return [
            one.requirement
            for one in _list_guards(route)
            if one.dependency.belongs_to(self) and one.dependency not in overrides
        ]


Ari = FastApiAri


class _Scheme(SecurityBase):
    """A security scheme for the OpenAPI document; it checks nothing."""

    def __init__(self, model: Any, name: str) -> None:
        self.model = model
        self.scheme_name = name

    async def __call__(self) -> None:
        """Decide nothing: the dependency that has this scheme does."""


_READY = "ari_guard_ready"
_GUARDS = "ari_guards"
_COMBINED = "ari_guards_combined"
_BEARER = _Scheme(BearerModel(description="An API key."), "Bearer")
_HEADER = _Scheme(APIKey(**{"in": APIKeyIn.header}, name="x-api-key", description="An API key."), "ApiKey")


class KeyDependency:
    """Verifies the request's key when FastAPI resolves it. An ``Ari`` has one for each set of arguments."""

    def __init__(self, ari: FastApiAri, requirement: Requirement) -> None:
        self._ari = ari
        self.requirement = requirement
        scopes = list(requirement.scopes)
        parameter, by_name = inspect.Parameter, inspect.Parameter.KEYWORD_ONLY
        self.__signature__ = inspect.Signature(
            [
                parameter("connection", by_name, annotation=HTTPConnection),
                parameter("security_scopes", by_name, annotation=SecurityScopes),
                parameter("bearer", by_name, annotation=Annotated[None, Security(_BEARER, scopes=scopes)]),
                parameter("header", by_name, annotation=Annotated[None, Security(_HEADER, scopes=scopes)]),
            ]
        )

    def belongs_to(self, ari: entry.Ari) -> bool:
        """Whether ``ari`` made it."""
        return self._ari is ari

    def add_scopes(self, scopes: Sequence[str]) -> Requirement:
        """Its requirement, with the scopes of ``Security(…, scopes=[…])`` around it. Raises ``ConfigurationError``."""
        return combine([self.requirement, make_requirement(tuple(scopes))]) if scopes else self.requirement

    async def __call__(self, connection: HTTPConnection, security_scopes: SecurityScopes, **_schemes: None) -> Key:
        scope = connection.scope
        guarded = find_guarded(scope, self._ari)
        requirement = self.add_scopes(security_scopes.scopes)
        if guarded.admission is None:
            route, template = _find_route(scope)
            _skip_schemes(route)
            needed = self._ari.combine_guards(scope, route, requirement)
            admission = await guarded.authorize(needed, template)
        else:
            admission = await guarded.authorize(requirement, None)
        if admission.refusal is not None:
            raise KeyRefusedError(admission.refusal)
        assert admission.key is not None
        return admission.key


class _RouteGuard(NamedTuple):
    """A guard of a route, and what it requires there."""

    dependency: KeyDependency
    requirement: Requirement


class _DescribedOnly(list[Any]):
    """Sub-dependencies that FastAPI describes, reading them backwards, and doesn't resolve, reading them forwards."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())


def _skip_schemes(route: Any) -> None:
    """Don't resolve the security schemes with each request: that is an eighth of the time of a small one."""
    if route is None or hasattr(route, _READY):
        return
    _list_guards(route)
    dependants: list[Any] = [*getattr(getattr(route, "dependant", None), "dependencies", ())]
    while dependants:
        one = dependants.pop()
        if not isinstance(one.call, KeyDependency):
            dependants += one.dependencies
        elif not isinstance(one.dependencies, _DescribedOnly):
            one.dependencies = _DescribedOnly(one.dependencies)
    setattr(route, _READY, True)


def _find_route(scope: MutableMapping[str, Any]) -> tuple[Any, str | None]:
    """The route that runs, or that the request leads to, and its template. Raises ``RuntimeError`` without an app."""
    route = scope.get("route")
    context = scope.get("fastapi", {}).get("effective_route_context")
    if context is not None and (context.original_route is route or not hasattr(route, "path")):
        route = context.starlette_route or context
    return find_matched(scope, route, _list_routes)


def _list_routes(routes: Iterable[BaseRoute]) -> Iterator[RouteContext]:
    return iter_route_contexts([*routes])


def _list_guards(route: Any) -> Sequence[_RouteGuard]:
    """The guards of a route, of whatever ``Ari``; kept with the route."""
    found: Sequence[_RouteGuard] | None = getattr(route, _GUARDS, None)
    if found is None:
        found = tuple(_walk_guards(getattr(route, "dependant", None)))
        if not isinstance(route, RouteContext | None):
            setattr(route, _GUARDS, found)
            setattr(route, _COMBINED, {})
    return found


def _walk_guards(dependant: Any) -> Iterator[_RouteGuard]:
    for one in getattr(dependant, "dependencies", ()):
        if isinstance(one.call, KeyDependency):
            scopes = (*(one.parent_oauth_scopes or ()), *(one.own_oauth_scopes or ()))
            yield _RouteGuard(one.call, one.call.add_scopes(scopes))
        yield from _walk_guards(one)
