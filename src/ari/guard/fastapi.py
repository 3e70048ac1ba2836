"""API keys for FastAPI: a ``Security`` dependency, described in the OpenAPI document.

::

    ari = Ari.local()
    app = FastAPI()
    app.add_middleware(ApiKeys, ari=ari)

    @app.get("/orders")
    async def list_orders(key: Annotated[Key, Security(ari.key("orders:read"))]) -> list[Order]: ...
"""

import inspect
from collections.abc import Container, Iterator, MutableMapping, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import Security
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.openapi.models import HTTPBearer as BearerModel
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from ari.guard import entry
from ari.guard.asgi import ApiKeys, find_guarded
from ari.guard.requirement import Requirement
from ari.guard.starlette import KeyRefusedError, find_route
from ari.guard.verified_key import Key, KeyConsumer

__all__ = ["ApiKeys", "Ari", "Key", "KeyConsumer", "KeyRefusedError"]


class FastApiAri(entry.Ari):
    """``ari.guard.Ari`` with dependencies for FastAPI."""

    def key(
        self, *scopes: str, any_key: bool = False, cost: int = 1, limits: Sequence[str] | None = None
    ) -> "KeyDependency":
        """A dependency that requires a key with all these scopes, and gives its ``Key`` to the handler.

        ``any_key=True`` accepts every active key. ``cost`` is consumed from the key's ``limits``, by default all.
        Equal arguments make equal dependencies, for ``app.dependency_overrides``. Raises ``ConfigurationError``.
        """
        return KeyDependency(self, self.require(*scopes, any_key=any_key, cost=cost, limits=limits))

    def find_requirement(self, scope: MutableMapping[str, Any]) -> tuple[Requirement, str | None] | None:
        """FastAPI reads the body, and may refuse it, before it resolves dependencies."""
        route = scope.get("route")
        overrides = getattr(scope.get("app"), "dependency_overrides", {})
        found = [one.requirement for one in _list_dependencies(getattr(route, "dependant", None), self, overrides)]
        if not found:
            return None
        scopes = tuple(dict.fromkeys(name for one in found for name in one.scopes))
        return msgspec.structs.replace(found[0], scopes=scopes), find_route(scope)


Ari = FastApiAri


class _Scheme(SecurityBase):
    """A security scheme for the OpenAPI document; it checks nothing."""

    def __init__(self, model: Any, name: str) -> None:
        self.model = model
        self.scheme_name = name

    async def __call__(self) -> None:
        """Decide nothing: the dependency that has this scheme does."""


_READY = "ari_guard_ready"
_BEARER = _Scheme(BearerModel(description="An API key."), "Bearer")
_HEADER = _Scheme(APIKey(**{"in": APIKeyIn.header}, name="x-api-key", description="An API key."), "ApiKey")


class KeyDependency:
    """Verifies the request's key when FastAPI resolves it. Compares by its ``Ari`` and its arguments."""

    def __init__(self, ari: FastApiAri, requirement: Requirement) -> None:
        self._ari = ari
        self.requirement = requirement
        scopes = list(requirement.scopes)
        parameter, by_name = inspect.Parameter, inspect.Parameter.KEYWORD_ONLY
        self.__signature__ = inspect.Signature(
            [
                parameter("connection", by_name, annotation=HTTPConnection),
                parameter("bearer", by_name, annotation=Annotated[None, Security(_BEARER, scopes=scopes)]),
                parameter("header", by_name, annotation=Annotated[None, Security(_HEADER, scopes=scopes)]),
            ]
        )

    def belongs_to(self, ari: entry.Ari) -> bool:
        """Whether ``ari`` made it."""
        return self._ari is ari

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KeyDependency):
            return NotImplemented
        return self._ari is other._ari and self.requirement == other.requirement

    def __hash__(self) -> int:
        return hash((id(self._ari), self.requirement))

    async def __call__(self, connection: HTTPConnection, **_schemes: None) -> Key:
        route = connection.scope.get("route")
        if route is not None and not hasattr(route, _READY):
            _skip_schemes(route)
        guarded = find_guarded(connection.scope, self._ari)
        admission = await guarded.authorize(self.requirement, find_route(connection.scope))
        if admission.refusal is not None:
            raise KeyRefusedError(admission.refusal)
        assert admission.key is not None
        return admission.key


class _DescribedOnly(list[Any]):
    """Sub-dependencies that FastAPI describes, reading them backwards, and doesn't resolve, reading them forwards."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())


def _skip_schemes(route: Any) -> None:
    """Don't resolve the security schemes with each request: that is an eighth of the time of a small one."""
    dependants: list[Any] = [*getattr(getattr(route, "dependant", None), "dependencies", ())]
    while dependants:
        one = dependants.pop()
        if not isinstance(one.call, KeyDependency):
            dependants += one.dependencies
        elif not isinstance(one.dependencies, _DescribedOnly):
            one.dependencies = _DescribedOnly(one.dependencies)
    setattr(route, _READY, True)


def _list_dependencies(dependant: Any, ari: FastApiAri, overrides: Container[Any]) -> Iterator[KeyDependency]:
    """The dependencies of ``ari`` on a route that no test overrides."""
    for one in getattr(dependant, "dependencies", ()):
        if isinstance(one.call, KeyDependency) and one.call.belongs_to(ari) and one.call not in overrides:
            yield one.call
        yield from _list_dependencies(one, ari, overrides)
