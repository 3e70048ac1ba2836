"""The OpenAPI 3.1 document."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

import ari
from ari.api.about import DESCRIPTION, SUMMARY, TAGS, security_schemes
from ari.api.error_docs import INVALID_KEY_ERRORS, document_errors, error_responses
from ari.api.examples import REQUEST_ID, Json, give_examples, offer_examples, problem_examples
from ari.api.shapes import ProblemOut
from ari.base.settings import Settings
from ari.http.problem import MEDIA_TYPE
from ari.http.route_policy import AuthMode, RoutePolicy, policy, policy_of
from ari.keys.scopes import SCOPES

router = APIRouter(tags=["API description"])

_SAFE = ("get", "head", "options")
_HEADERS: Json = {
    "RequestId": {
        "description": "ID of this request, yours or generated; it also appears in the log and in errors.",
        "schema": {"type": "string", "examples": [REQUEST_ID]},
    },
    "Challenge": {
        "description": "`Bearer` and `ApiKey` challenges.",
        "schema": {"type": "string", "examples": ['Bearer realm="ari", error="invalid_token"']},
    },
    "Allow": {
        "description": "Methods that this endpoint supports.",
        "schema": {"type": "string", "examples": ["GET, HEAD"]},
    },
    "RateLimitPolicy": {
        "description": "Limits of the calling key: the quota `q` and the window `w` in seconds. Absent without limits.",
        "schema": {"type": "string", "examples": ['"default";q=100;w=60']},
    },
    "RateLimit": {
        "description": "What remains of them (`r`), and in how many seconds there is more (`t`).",
        "schema": {"type": "string", "examples": ['"default";r=99;t=60']},
    },
    "RetryAfter": {
        "description": "Seconds to wait before retrying; absent if waiting doesn't help.",
        "schema": {"type": "integer", "examples": [1]},
    },
}
_LIMIT_HEADERS: Json = {
    "RateLimit-Policy": {"$ref": "#/components/headers/RateLimitPolicy"},
    "RateLimit": {"$ref": "#/components/headers/RateLimit"},
}
_HEADERS_OF = {
    "401": ("WWW-Authenticate", "Challenge"),
    "405": ("Allow", "Allow"),
    "429": ("Retry-After", "RetryAfter"),
}
_HEADERS_OF["503"] = _HEADERS_OF["429"]


class DescriptionOut(BaseModel):
    """An OpenAPI 3.1 document."""

    model_config = ConfigDict(extra="allow")

    openapi: str = Field(description="OpenAPI version.", examples=["3.1.0"])
    info: dict[str, Any] = Field(
        description="Title and version of the API.", examples=[{"title": "ARI API", "version": ari.__version__}]
    )
    paths: dict[str, Any] = Field(description="Operations by path and method.", examples=[{"/api/me": {}}])


@router.get(
    "/api/openapi.json", summary="Get this OpenAPI document", responses=document_errors(), response_model=DescriptionOut
)
@policy(AuthMode.KEY_OR_SESSION, scope="api:read")
async def read_openapi(request: Request) -> Response:
    """Describes every operation. Use it to generate clients and tests."""
    description: Description = request.app.state.description
    return Response(await description.json(), media_type="application/json")


class Description:
    """The document of an app, generated on first use, because that takes longer than the rest of the startup."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._making = threading.Lock()
        self._made: Json | None = None
        self._json = b""

    async def json(self) -> bytes:
        """The document as JSON."""
        await self.document()
        return self._json

    async def document(self) -> Mapping[str, Any]:
        return self._made if self._made is not None else await asyncio.to_thread(self.make)

    def make(self) -> Json:
        """Generate the document unless that has been done."""
        with self._making:
            if self._made is None:
                made = document(self._app, self._settings)
                self._json = msgspec.json.encode(made)
                self._made = made
        return self._made


def document(app: FastAPI, settings: Settings) -> Json:
    """The OpenAPI document of the app."""
    found = get_openapi(
        title="ARI API",
        version=ari.__version__,
        summary=SUMMARY,
        description=DESCRIPTION,
        license_info={"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        routes=app.routes,
        servers=[{"url": settings.base_url, "description": "This instance."}],
        tags=[{"name": name, "description": words} for name, words in TAGS.items()],
    )
    components = found["components"]
    schemas: dict[str, Json] = components["schemas"]
    schemas.update(_problem_schemas())
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    components["securitySchemes"] = security_schemes(settings)
    components["headers"] = _HEADERS
    components["examples"] = problem_examples(settings)
    routes = {(route.path_format, method.lower()): route for route, method in _operations(app)}
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            endpoint = routes[path, method].endpoint
            operation["operationId"] = endpoint.__name__
            _describe_policy(operation, method, policy_of(endpoint))
            _describe_bodies(operation, schemas)
    return found


def _operations(app: FastAPI) -> Iterator[tuple[Any, str]]:
    for route in app.routes:
        if getattr(route, "include_in_schema", False):
            for method in getattr(route, "methods", None) or ():
                yield route, method


def _describe_policy(operation: Json, method: str, declared: RoutePolicy) -> None:
    if declared.auth is AuthMode.OPEN:
        operation["security"] = []
        responses = operation["responses"]
        forbidden = responses.pop("403")["content"][MEDIA_TYPE]["examples"]
        if "forbidden" in forbidden:
            responses["403"] = error_responses(["forbidden"])[403]
        responses["401"] = error_responses(INVALID_KEY_ERRORS)[401]
        return
    if declared.auth is AuthMode.KEY:
        if "security" not in operation:
            operation["security"] = [{"ApiKey": []}, {"Bearer": []}]
            who = "Any active or disabled key" if declared.revokes_self else "Any active key"
            operation["description"] += f"\n\n{who} can call this. Sessions can't."
        return
    scope = declared.scope
    needed = [] if scope is None else [scope]  # scope names are allowed for every scheme since OpenAPI 3.1
    session: Json = {"Session": []} if method in _SAFE else {"Session": [], "Csrf": []}
    operation["security"] = [{"ApiKey": needed}, {"Bearer": needed}, session]
    words = f"Requires scope `{scope}`" if scope else "Any active key can call this"
    if scope in SCOPES:
        meaning = SCOPES[scope].rstrip(".")
        words += f": {meaning[0].lower()}{meaning[1:]}"
    operation["description"] = f"{operation.get('description', '').strip()}\n\n{words}."


def _describe_bodies(operation: Json, schemas: Mapping[str, Json]) -> None:
    if "application/json" in operation["responses"].get("422", {}).get("content", {}):
        del operation["responses"]["422"]  # FastAPI's own error format, which ARI doesn't use
    for parameter in operation.get("parameters", ()):
        offer_examples(parameter)
    body = operation.get("requestBody", {})
    for media in body.get("content", {}).values():
        give_examples(media, schemas)
    for status, answer in operation["responses"].items():
        answer["headers"] = {**answer.get("headers", {}), "x-request-id": {"$ref": "#/components/headers/RequestId"}}
        answer["headers"] |= _LIMIT_HEADERS
        if status in _HEADERS_OF:
            header, name = _HEADERS_OF[status]
            answer["headers"][header] = {"$ref": f"#/components/headers/{name}"}
        if status < "400":
            _describe_success(answer, schemas)


def _describe_success(answer: Json, schemas: Mapping[str, Json]) -> None:
    if not answer.get("content"):
        answer["description"] = "Success; no response body."
    for media in answer.get("content", {}).values():
        give_examples(media, schemas)
        refs = [one["$ref"] for one in (media["schema"], *media["schema"].get("anyOf", ())) if "$ref" in one]
        if refs:
            answer["description"] = " Or: ".join(schemas[ref.rpartition("/")[2]].get("description", "") for ref in refs)


def _problem_schemas() -> Json:
    schema = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    definitions = schema.pop("$defs", {})
    return {**definitions, ProblemOut.__name__: schema}
