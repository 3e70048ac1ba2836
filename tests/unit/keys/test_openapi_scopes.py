"""Scopes of an OpenAPI document: found wherever it names them, and never more than can be declared."""

from typing import Any

import pytest

from ari.base.errors import Invalid
from ari.keys.custom_scopes import DESCRIPTION_LENGTH
from ari.keys.openapi_scopes import MAX_NAMES, find_scopes

FLOWS = {
    "authorizationCode": {"scopes": {"pets:read": "Read  pets.", "openid": "", "keys:read": "x", "pets:write": ""}}
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "security": [{"oauth": ["pets:read"]}, {"key": []}],
    "paths": {
        "/pets": {"get": {"security": [{"oidc": ["pets:list", "pets:read"]}]}, "summary": "x"},
        "/pets/{id}": {"delete": {"security": [{"oidc": ["pets:write"]}]}},
    },
    "components": {"securitySchemes": {"oauth": {"type": "oauth2", "flows": FLOWS}, "oidc": {"type": "openIdConnect"}}},
}


def test_flows_and_requirements_are_read() -> None:
    """A described scope keeps its words; others say which operations need them."""
    found = find_scopes(DOCUMENT)
    assert found.scopes == {
        "pets:list": "Used by GET /pets.",
        "pets:read": "Read pets.",
        "pets:write": "Used by DELETE /pets/{id}.",
    }
    assert found.skipped["keys:read"] == "It's one of ARI's own scopes."
    assert "resource:action" in found.skipped["openid"]


def test_swagger_two_is_read() -> None:
    """Its schemes have the scopes themselves."""
    scheme = {"type": "oauth2", "flow": "implicit", "scopes": {"write:pets": "modify pets", "read:pets": "read pets"}}
    found = find_scopes({"swagger": "2.0", "securityDefinitions": {"petstore_auth": scheme}})
    assert found.scopes == {"read:pets": "read pets", "write:pets": "modify pets"}


@pytest.mark.parametrize("text", ["x" * 500, "a\u202eb", "line\nbreak", "\x00", "\u200b", "ari_k_" + "0" * 49])
def test_any_description_becomes_one_that_can_be_declared(text: str) -> None:
    """Shortened, or replaced where it holds what descriptions can't."""
    flows = {"implicit": {"scopes": {"pets:read": text}}}
    document = {"openapi": "3.0.0", "components": {"securitySchemes": {"a": {"flows": flows}}}}
    [description] = find_scopes(document).scopes.values()
    assert 0 < len(description) <= DESCRIPTION_LENGTH
    assert "\n" not in description


@pytest.mark.parametrize("strange", [None, 1, "x", [], {}, [1], {"a": 1}, {"a": [1]}, [{"a": 1}], [{"a": [1]}], [[]]])
def test_parts_of_another_form_are_passed_over(strange: Any) -> None:
    """A document from anywhere fails nothing."""
    for part in ("security", "paths", "components", "securityDefinitions"):
        assert find_scopes({"openapi": "3.1.0", part: strange}).scopes == {}
    for part in ("securitySchemes", "schemas"):
        assert find_scopes({"openapi": "3.1.0", "components": {part: strange}}).scopes == {}
    assert find_scopes({"openapi": "3.1.0", "paths": {"/a": strange, "/b": {"get": strange}}}).scopes == {}


@pytest.mark.parametrize("other", [[], None, "x", {}, {"asyncapi": "3.0.0"}])
def test_other_documents_are_refused(other: object) -> None:
    """Instead of finding nothing in them."""
    with pytest.raises(Invalid, match="isn't an OpenAPI document"):
        find_scopes(other)


def test_the_number_of_names_is_bounded() -> None:
    """Each is checked and shown."""
    scopes = {f"a:b{number}": "x" for number in range(MAX_NAMES + 1)}
    with pytest.raises(Invalid, match="more than 2,000"):
        find_scopes({"swagger": "2.0", "securityDefinitions": {"a": {"scopes": scopes}}})
