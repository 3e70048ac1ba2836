"""API keys for FastAPI: a ``Security`` dependency, described in the OpenAPI document.

::

    ari = Ari.local()
    app = FastAPI()
    app.add_middleware(ApiKeys, ari=ari)

    @app.get("/orders")
    async def list_orders(key: Annotated[Key, Security(ari.key("orders:read"))]) -> list[Order]: ...
"""

import inspect
from collections.abc import Sequence
from typing import Annotated, Any

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


Ari = FastApiAri


class _Scheme(SecurityBase):
    """A security scheme for the OpenAPI document; it checks nothing."""

    def __init__(self, model: Any, name: str) -> None:
        self.model = model
        self.scheme_name = name

    async def __call__(self) -> None:
        """Decide nothing: the dependency that has this scheme does."""


_BEARER = _Scheme(BearerModel(description="An API key."), "Bearer")
_HEADER = _Scheme(APIKey(**{"in": APIKeyIn.header}, name="x-api-key", description="An API key."), "ApiKey")


class KeyDependency:
    """Verifies the request's key when FastAPI resolves it. Compares by its ``Ari`` and its arguments."""

    def __init__(self, ari: FastApiAri, requirement: Requirement) -> None:
        self._ari = ari
        self._requirement = requirement
        scopes = list(requirement.scopes)
        parameter, by_name = inspect.Parameter, inspect.Parameter.KEYWORD_ONLY
        self.__signature__ = inspect.Signature(
            [
                parameter("connection", by_name, annotation=HTTPConnection),
                parameter("bearer", by_name, annotation=Annotated[None, Security(_BEARER, scopes=scopes)]),
                parameter("header", by_name, annotation=Annotated[None, Security(_HEADER, scopes=scopes)]),
            ]
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KeyDependency):
            return NotImplemented
        return self._ari is other._ari and self._requirement == other._requirement

    def __hash__(self) -> int:
        return hash((id(self._ari), self._requirement))

    async def __call__(self, connection: HTTPConnection, **_schemes: None) -> Key:
        guarded = find_guarded(connection.scope, self._ari)
        admission = await guarded.authorize(self._requirement, find_route(connection.scope))
        if admission.refusal is not None:
            raise KeyRefusedError(admission.refusal)
        assert admission.key is not None
        return admission.key
