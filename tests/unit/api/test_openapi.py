"""The OpenAPI document says of each operation what the middleware enforces."""

from collections.abc import Iterator
from typing import Any

import pytest

from ari.http.route_policy import AuthMode, policy_of
from tests.support.app import App, content_of


@pytest.fixture
def document(app: App) -> Any:
    return content_of(app("GET", "/api/openapi.json", app.key("api:read")))


def _operations(document: Any) -> list[tuple[str, str, Any]]:
    found = [
        (path, method.upper(), operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    assert len(found) > 20
    return found


def _refs(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from _refs(value)
    elif isinstance(part, list):
        for value in part:
            yield from _refs(value)


def test_every_operation_names_the_scope_that_is_enforced(app: App, document: Any) -> None:
    """The policy of the endpoint is the source of both."""
    fastapi: Any = app.app.app
    policies = {
        (route.path_format, method): policy_of(route.endpoint)
        for route in fastapi.routes
        if getattr(route, "include_in_schema", False)
        for method in route.methods
    }
    for path, method, operation in _operations(document):
        declared = policies[path, method]
        if declared.auth is AuthMode.OPEN:
            assert operation["security"] == []
        elif declared.scope_resolver is None:
            assert {"ApiKey": [declared.scope] if declared.scope else []} in operation["security"]
        else:
            assert operation["security"]


def test_a_session_needs_its_csrf_token_only_for_changes(document: Any) -> None:
    """security.md 27, as the API reference reads it."""
    schemes = [(method, scheme) for _, method, one in _operations(document) for scheme in one["security"]]
    of_sessions = [(method, scheme) for method, scheme in schemes if "Session" in scheme]
    assert of_sessions
    for method, scheme in of_sessions:
        assert ("Csrf" in scheme) == (method not in ("GET", "HEAD", "OPTIONS"))


def test_every_reference_leads_somewhere(document: Any) -> None:
    """Client generators fail on one that does not."""
    refs = set(_refs(document))
    assert len(refs) > 20
    for ref in refs:
        part = document
        for name in ref.removeprefix("#/").split("/"):
            part = part[name]
        assert part


def test_operations_have_names_of_their_own(document: Any) -> None:
    """Generated clients call them by ``operationId``."""
    names = [operation["operationId"] for _, _, operation in _operations(document)]
    assert len(names) == len(set(names)) > 20


def test_errors_are_documented_in_our_own_form_only(document: Any) -> None:
    """FastAPI's format for 422 is never sent."""
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for _, _, operation in _operations(document):
        for status, response in operation["responses"].items():
            assert "x-request-id" in response["headers"]
            if status >= "400":
                assert set(response["content"]) == {"application/problem+json"}
