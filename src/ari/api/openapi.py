"""The API's description (OpenAPI 3.1): what every operation needs, answers and refuses."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.responses import Response

import ari
from ari.api.here import problems
from ari.api.shapes import ProblemOut
from ari.base.settings import Settings
from ari.http.access import Access, Kind, access_of, needs
from ari.keys.scopes import SCOPES

router = APIRouter(tags=["API description"])

_DESCRIPTION = (
    "Send an API key of this instance in the `x-api-key` header (or as `Authorization: Bearer`). "
    "Keys are created in Settings > API. Errors are problem details (RFC 9457) with a `code`. Lists are newest first "
    "and paged with `limit` and `cursor`."
)
_SCHEMES = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "An ARI API key, `ari_k_…`."},
    "Bearer": {"type": "http", "scheme": "bearer", "description": "The same key as `Authorization: Bearer`."},
}


@router.get("/api/openapi.json", summary="Read this description", responses=problems(), response_model=dict[str, Any])
@needs("api:read")
async def read_openapi(request: Request) -> Response:
    """OpenAPI 3.1 of this instance."""
    return Response(request.app.state.openapi_json, media_type="application/json")


def document(app: FastAPI, settings: Settings) -> dict[str, Any]:
    """The OpenAPI document of the app."""
    found = get_openapi(
        title="ARI API",
        version=ari.__version__,
        description=_DESCRIPTION,
        routes=app.routes,
        servers=[{"url": settings.base_url}],
    )
    components = found.setdefault("components", {})
    components["securitySchemes"] = _SCHEMES
    schemas = components.setdefault("schemas", {})
    schemas.update(_problem_schemas())
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    by_operation = {(route.path, method): access_of(route.endpoint) for route, method in _operations(app)}
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _describe_access(operation, by_operation[path, method.upper()])
            _drop_default_422(operation)
    return found


def _operations(app: FastAPI) -> list[tuple[Any, str]]:
    return [
        (route, method)
        for route in app.routes
        if getattr(route, "include_in_schema", False)
        for method in getattr(route, "methods", None) or ()
    ]


def _describe_access(operation: dict[str, Any], access: Access) -> None:
    if access.kind is Kind.OPEN:
        operation["security"] = []
        for status in ("401", "403"):
            operation["responses"].pop(status, None)
        operation["responses"]["401"] = problems("malformed", "unknown", "expired", "revoked", "disabled")[401]
        return
    operation["security"] = [{"ApiKey": []}, {"Bearer": []}]
    scope = access.scope
    words = f"Needs the scope `{scope}`" if scope else "Any live key may call this"
    meaning = f" ({SCOPES[scope].rstrip('.').lower()})." if scope in SCOPES else "."
    operation["description"] = f"{operation.get('description', '').strip()}\n\n{words}{meaning}"


def _drop_default_422(operation: dict[str, Any]) -> None:
    answer = operation["responses"].get("422", {})
    if "application/json" in answer.get("content", {}):
        del operation["responses"]["422"]


def _problem_schemas() -> dict[str, Any]:
    schema = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    definitions = schema.pop("$defs", {})
    return {**definitions, ProblemOut.__name__: schema}
