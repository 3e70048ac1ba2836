"""The API's description is complete: anyone who adds an operation, a field or a tag describes it too."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from ari import server
from ari.base.settings import load_settings
from ari.gateway.route import resolve_scope
from ari.http.route_policy import AuthMode, policy_of
from ari.instance import Instance
from ari.integrations.providers import providers
from ari.keys.reasons import REASONS, REQUEST_ERRORS

Json = dict[str, Any]
PROBLEM = "application/problem+json"
_HEADERS = {
    "401": ["WWW-Authenticate"],
    "405": ["Allow"],
    "429": ["Retry-After"],
    "503": ["Retry-After"],
}
PUBLIC_URL = "https://keys.example.org"


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with tempfile.TemporaryDirectory() as folder:
        opened = Instance.open(load_settings(data_dir=Path(folder) / "data", public_url=PUBLIC_URL), migrate=True)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def app(instance: Instance) -> Any:
    return server.build_app(instance).app


@pytest.fixture(scope="module")
def document(app: Any) -> Json:
    made: Json = app.state.description.make()
    return made


def operations(document: Json) -> list[tuple[str, Json]]:
    """Each operation with the words that name it in a failure."""
    found = [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(found) > 20
    return found


def gateway_scopes(method: str) -> list[str]:
    """The scopes that this method requires, by the paths that the providers list and by one that none does."""
    found = set()
    for provider in (one for one in providers().values() if one.is_ai):
        for path in (*(re.sub(r"\{.*?\}", "x", one.partition(" ")[2]) for one in provider.reaches), "/v1/no/such/path"):
            needed = resolve_scope(method, f"/api/ai/{provider.name}{path}").scope
            found.add(str(needed).partition(":")[0])
    return [f"{name}:<provider>" for name in sorted(found)]


def media(operation: Json, *, errors: bool) -> Iterator[Json]:
    """The contents of the bodies: those that succeed, the request's among them, or those of errors."""
    if not errors:
        yield from operation.get("requestBody", {}).get("content", {}).values()
    for status, answer in operation["responses"].items():
        if (status >= "400") == errors:
            yield from answer.get("content", {}).values()


def test_it_is_openapi_3_1(document: Json) -> None:
    """By the letter of the specification."""
    assert document["openapi"].startswith("3.1.")
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_route_of_the_api_is_in_it(app: Any, document: Json) -> None:
    """No operation is left out; a proxy asks ``/api/forward-auth`` for its clients, no program does."""
    routes = {
        (route.path_format, method.lower())
        for route in app.routes
        if route.path.startswith("/api/") and policy_of(route.endpoint).auth is not AuthMode.FORWARD_AUTH
        for method in route.methods - {"HEAD"}
    }
    assert routes == {(path, method) for path, methods in document["paths"].items() for method in methods}


def test_it_says_where_the_instance_is(document: Json) -> None:
    """The public address, of servers and of the pages of errors alike."""
    assert [one["url"] for one in document["servers"]] == [PUBLIC_URL]
    examples = document["components"]["examples"]
    assert set(examples) == set(REASONS | REQUEST_ERRORS)
    assert all(one["value"]["type"] == f"{PUBLIC_URL}/errors/{code}" for code, one in examples.items())


def test_every_operation_has_its_words(document: Json) -> None:
    """A summary without a full stop, a description, one described tag, a stable id of its own."""
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    assert all(tags.values())
    ids = []
    for name, operation in operations(document):
        assert re.fullmatch(r"[A-Z].*[^.]", operation["summary"]), name
        assert len(operation["description"]) > len(operation["summary"]), name
        [tag] = operation["tags"]
        assert tag in tags, f"{name}: add its tag to ari/api/about.py"
        ids.append(operation["operationId"])
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z][a-z_]*", one) for one in ids), ids


def test_every_operation_says_who_may_call_it(app: Any, document: Json) -> None:
    """Key in either header with the scope that the guard asks for, or the session with its proof; open is said too."""
    access = {(r.path_format, method): policy_of(r.endpoint) for r in app.routes for method in r.methods}
    for name, operation in operations(document):
        method, _, path = name.partition(" ")
        wanted = access[path, method]
        if wanted.auth is AuthMode.OPEN:
            assert operation["security"] == [], name
            continue
        if wanted.auth is AuthMode.KEY and wanted.scope is None:
            assert operation["security"] == [{"ApiKey": []}, {"Bearer": []}], name
            who = "Any active or disabled key" if wanted.revokes_self else "Any active key"
            assert who in operation["description"], name
            continue
        if wanted.auth is AuthMode.KEY:
            scopes = gateway_scopes(method)
            one_of = [{scheme: [scope]} for scope in scopes for scheme in ("ApiKey", "Bearer")]
            assert operation["security"] == one_of, name
            assert all(f"`{scope}`" in operation["description"] for scope in scopes), name
            continue
        scopes = [wanted.scope] if wanted.scope else []
        session: dict[str, list[str]] = {"Session": []} if method == "GET" else {"Session": [], "Csrf": []}
        assert operation["security"] == [{"ApiKey": scopes}, {"Bearer": scopes}, session], name
        assert (f"`{wanted.scope}`" if wanted.scope else "Any active key") in operation["description"], name
    schemes = document["components"]["securitySchemes"]
    assert schemes["ApiKey"]["name"] == "x-api-key"
    assert schemes["Bearer"]["scheme"] == "bearer"
    assert schemes["Session"]["name"] == "__Host-ari"


def test_every_operation_lists_its_errors(document: Json) -> None:
    """Each from the table of reasons, with its example, under its own status."""
    table = REASONS | REQUEST_ERRORS
    for name, operation in operations(document):
        codes = set()
        for status, answer in operation["responses"].items():
            if status < "400":
                continue
            examples = answer["content"][PROBLEM]["examples"]
            for code, example in examples.items():
                assert example == {"$ref": f"#/components/examples/{code}"}
                assert str(table[code].status) == status, f"{name}: {code}"
                assert f"`{code}`" in answer["description"]
            codes |= set(examples)
        assert {"unknown", "expired", "internal", "unavailable", "misdirected"} <= codes, name
        assert ("missing" in codes) == bool(operation["security"]), name
        if "requestBody" in operation and any("Session" in one for one in operation["security"]):
            assert {"invalid", "unsupported_media_type", "csrf_failed"} <= codes, name


def test_headers_that_a_program_needs_are_described(document: Json) -> None:
    """The name of a file, a repeated response, the methods of an address, limits, and when to try again."""
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            expected = {"x-request-id", "RateLimit-Policy", "RateLimit"} | set(_HEADERS.get(status, ()))
            if name.endswith("/export") and status == "200":
                expected.add("content-disposition")
            if name.endswith("/usage/export") and status == "200":
                expected.add("x-ari-complete-until")
            is_repeatable = any(one["name"].lower() == "idempotency-key" for one in operation.get("parameters", ()))
            if is_repeatable and status in ("200", "201"):
                expected.add("idempotent-replayed")
            assert set(answer["headers"]) == expected, f"{name}: {status}"


def test_every_body_has_an_example_that_fits(document: Json) -> None:
    """Examples of requests and responses are of the shape next to them."""
    for name, operation in operations(document):
        for answer in operation["responses"].values():
            assert answer["description"], name
            assert "x-request-id" in answer["headers"], name
        for body in media(operation, errors=False):
            examples = [body["example"]] if "example" in body else [one["value"] for one in body["examples"].values()]
            assert examples, name
            validator = Draft202012Validator({**body["schema"], "components": document["components"]})
            for example in examples:
                assert [error.message for error in validator.iter_errors(example)] == [], name


def test_every_parameter_and_field_says_what_it_is(document: Json) -> None:
    """A description each, and an example unless its values are listed or there is a default."""
    for name, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] != "header":
                _is_described(parameter | parameter["schema"] | _examples(parameter), f"{name}: {parameter['name']}")
    for name, schema in document["components"]["schemas"].items():
        assert schema.get("description"), f"{name} has no docstring"
        for field, part in schema.get("properties", {}).items():
            _is_described(part, f"{name}.{field}")


def _examples(parameter: Json) -> Json:
    return {"examples": [one["value"] for one in parameter["examples"].values()]} if "examples" in parameter else {}


def _is_described(part: Json, name: str) -> None:
    assert part.get("description") or "$ref" in part, f"{name} has no description"
    known = ("examples", "enum", "const", "$ref")
    shown = any(word in part for word in known) or part.get("default") is not None
    inner = [part.get("items", {}), *part.get("anyOf", ())]
    assert shown or any(word in one for one in inner for word in known), f"{name} has no example"
