"""The API's description is what the server does: every constraint, just inside and just outside, is tried."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from ari.base.events import EVENT_NAMES
from tests.support.constraints import Variant, resolve, variants

pytestmark = pytest.mark.slow

_LIBRARY = re.compile(
    r"Input should|Field required|should have|at least \d+ items? after|valid (string|integer|list)|Expected `"
)
"""The wording of the libraries that validate."""
_OWN_FORM = {"cursor", "address", "client_address", "key", "base_url", "time_zone", "status", "limits", "url"}
_OWN_FORM |= {"consumer", "default_preset", "keys", "kind", "max_lifetime_days", "prefix"}
"""Fields whose text means something: not any text within their length is accepted."""
_EXCLUDED = {
    "expires": "expires_at",
    "expires_at": "expires",
    "amount_usd": "amount_tokens",
    "amount_tokens": "amount_usd",
}
"""Fields of which a body has one."""
_NO_BUDGETS: dict[str, Any] = {"instance": [], "providers": {}}
_BATCH = "/api/verify/batch"
"""An item that cannot be read gets a verdict of its own, and harms no other."""
_NOT_TRIED = {
    "/api/ai/{provider}/{path}": "the body is the provider's",
    "/api/me/revoke": "it would end the key that asks; tests/doors/test_rotation.py",
    "/api/me/rotate": "as above",
    "/api/keys/bulk": "its fields depend on each other; tests/unit/api/test_bulk_keys.py",
    "/api/leaks/github": "the body is a list that GitHub signs; tests/unit/api/test_github_leaks.py",
}


@dataclass(frozen=True)
class Operation:
    """One operation with the fields that it takes in one place."""

    method: str
    path: str
    where: str
    fields: dict[str, Any]
    required: list[str]
    example: dict[str, Any]


def _operations(document: dict[str, Any]) -> list[Operation]:
    found = [*_find_operations(document)]
    assert len(found) > 10
    return found


def _find_operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        if path in _NOT_TRIED:
            continue
        for method, operation in methods.items():
            query = {one["name"]: one["schema"] for one in operation.get("parameters", ()) if one["in"] == "query"}
            if query:
                yield Operation(method, path, "query", resolve(document, query), [], {})
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is not None:
                schema = resolve(document, content["schema"])
                schema = next((one for one in schema.get("anyOf", ()) if one.get("type") == "object"), schema)
                yield Operation(
                    method, path, "body", schema["properties"], schema.get("required", []), schema["examples"][0]
                )


@pytest.fixture(scope="module")
def api(shared_owner: Any) -> Any:
    """A client that may do everything; what its requests left in the shared instance is taken back."""
    client = shared_owner.api(shared_owner.create_key("walker", scopes=["*"])[1])
    client.post("/api/kinds", json={"name": "walked", "prefix": "walked_", "description": "Walked."})
    client.post("/api/scopes", json={"name": "walked:read", "description": "Walked."})
    client.post("/api/webhooks", json={"name": "walked", "url": "https://hooks.invalid/", "events": ["preset.removed"]})
    yield client
    for hook in client.get("/api/webhooks").json()["items"]:
        client.delete(f"/api/webhooks/{hook['id']}")
    client.delete("/api/integrations/openai")
    # A key that may use AI can't loosen budgets, nor can one that such a key has made.
    steward = shared_owner.api(shared_owner.cli.create_key("steward", scopes=["integrations:write"])[1])
    assert steward.put("/api/budgets", json=_NO_BUDGETS).status_code == 200
    client.patch("/api/notifications/key_expiring", json={"on": True})


@pytest.fixture(scope="module")
def document(api: Any) -> Any:
    return api.get("/api/openapi.json").json()


def _send(api: Any, operation: Operation, fields: Any) -> Any:
    path = (
        operation.path.replace("{key_id}", _key_of(api, operation))
        .replace("{consumer_id}", _consumer_of(api, operation))
        .replace("{name}", _name_of(operation))
        .replace("{provider}", "openai")
        .replace("{kind}", "key_expiring")
        .replace("{webhook_id}", _webhook_of(api, operation))
    )
    if path == "/api/integrations/openai/keys":
        api.delete("/api/integrations/openai")  # the same key is stored once
    if operation.where == "query":
        return api.request(operation.method.upper(), path, params=fields)
    return api.request(operation.method.upper(), path, json=fields)


def _name_of(operation: Operation) -> str:
    """The scope or kind that the fixture made."""
    return "walked:read" if operation.path.startswith("/api/scopes") else "walked"


def _webhook_of(api: Any, operation: Operation) -> str:
    """The webhook that the fixture made."""
    found = api.get("/api/webhooks").json()["items"] if "{webhook_id}" in operation.path else []
    return str(found[0]["id"]) if found else ""


def _consumer_of(api: Any, operation: Operation) -> str:
    """The external ID of a consumer, which an earlier value may have taken from it."""
    if "{consumer_id}" in operation.path:
        api.post("/api/consumers", json={"name": "Walked", "external_id": "customer_4711"})
    return "customer_4711"


def _key_of(api: Any, operation: Operation) -> str:
    """A key of the operation's own: what one does to it, another must not find."""
    if "{key_id}" not in operation.path:
        return ""
    return _create_key(api, f"{operation.method} {operation.path}")


@cache
def _create_key(api: Any, name: str) -> str:
    return str(api.post("/api/keys", json={"name": name}).json()["key"]["id"])


def _with(operation: Operation, name: str, variant: Variant) -> dict[str, Any]:
    """The example with one field changed; what excludes the field is left out, unless the field is null."""
    example = dict(operation.example)
    if name == "amount_usd" and variant.value is None:
        example["amount_tokens"] = 1
    elif variant.value is not None or not name.startswith("amount_"):
        example.pop(_EXCLUDED.get(name, ""), None)
    if "name" in example and (name == "amount_tokens" or "amount_tokens" in example):
        example["name"] = "in-tokens"  # the example's budget is in dollars
    return example | {name: variant.value}


def test_every_constraint_holds_at_its_edge(api: Any, document: Any) -> None:
    """Outside: 422 that names the field in our words. Inside: anything but 422, and never a 5xx."""
    tried, wrong = 0, []
    for operation in _operations(document):
        for name, schema in operation.fields.items():
            for variant in _variants_of(operation, name, schema):
                tried += 1
                answer = _send(api, operation, _with(operation, name, variant))
                fault = _fault(answer, name, variant)
                if fault:
                    wrong.append(
                        f"{operation.method} {operation.path} {name} {variant.why} {variant.value!r:.60}: {fault}"
                    )
    assert not wrong, "\n".join(wrong)
    assert tried > 250


def _variants_of(operation: Operation, name: str, schema: dict[str, Any]) -> Iterator[Variant]:
    for variant in variants(schema, operation.where):
        means_something = name in _OWN_FORM and variant.is_inside and variant.why.startswith("m")
        if not means_something and not (operation.path == _BATCH and variant.why.startswith("items:")):
            yield _with_names(variant) if variant.is_inside else variant
    times = {"expires_at": "2999-12-31T23:59:59Z", "since": _time(-2), "until": _time(-1)}
    if name in times:
        yield Variant(times[name], True, "date-time")


def _with_names(variant: Variant) -> Variant:
    """Budgets in one list have different names."""
    many = variant.value if isinstance(variant.value, list) else []
    if not any(isinstance(one, dict) and "period" in one for one in many):
        return variant
    named = [one | {"name": f"budget-{number}"} if number else one for number, one in enumerate(many)]
    return Variant(named, variant.is_inside, variant.why)


def _time(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _fault(answer: Any, name: str, variant: Variant) -> str | None:
    if variant.is_inside:
        return f"refused: {answer.text}" if answer.status_code == 422 or answer.status_code >= 500 else None
    if answer.status_code != 422:
        return f"accepted with {answer.status_code}"
    errors = answer.json()["errors"]
    if not any(one["location"].split(".")[0] == name for one in errors):
        return f"named as {errors}"
    return next((f"the library's words: {one['message']}" for one in errors if _LIBRARY.search(one["message"])), None)


def test_required_fields_and_unknown_ones(api: Any, document: Any) -> None:
    """A field that is required and missing, a field that is not known, and a body of another type, in our words."""
    for operation in _operations(document):
        if operation.where == "body":
            for name in operation.required:
                answer = _send(api, operation, {one: value for one, value in operation.example.items() if one != name})
                assert answer.status_code == 422, (operation, name)
                assert [one["location"] for one in answer.json()["errors"]] == [name]
            bodies: tuple[Any, ...] = ([], "x", 7)
            for body in bodies:
                answer = _send(api, operation, body)
                assert answer.status_code == 422, (operation, body)
                assert not _LIBRARY.search(answer.text), answer.text
        answer = _send(api, operation, operation.example | {"no_such_field": "x"})
        assert answer.status_code == 422, operation
        assert answer.json()["errors"][0]["message"] == "Unknown field."


def test_every_example_is_accepted(api: Any, document: Any) -> None:
    """The description's examples work as they are."""
    for operation in _operations(document):
        if operation.where == "body":
            answer = _send(api, operation, operation.example)
            assert answer.status_code not in (400, 422), (operation.path, answer.text)


def test_examples_use_real_event_names(document: Any) -> None:
    """An example that no instance ever sends would end up in somebody's code."""
    shapes = document["components"]["schemas"]
    [example] = shapes["EventOut"]["properties"]["name"]["examples"]
    assert example in EVENT_NAMES


def test_a_missing_scope_is_named_in_the_body(shared_owner: Any) -> None:
    """Not only in the challenge, which clients rarely show."""
    api = shared_owner.api(shared_owner.create_key("narrow", scopes=["api:read"])[1])
    body = api.get("/api/keys").json()
    assert (body["code"], body["scope"]) == ("insufficient_scope", "keys:read")
    assert "keys:read" in body["detail"]
    granted = shared_owner.api(shared_owner.create_key("maker", scopes=["keys:write"])[1])
    body = granted.post("/api/keys", json={"name": "Wider", "scopes": ["usage:read"]}).json()
    assert (body["code"], body["scope"]) == ("insufficient_scope", "usage:read")
