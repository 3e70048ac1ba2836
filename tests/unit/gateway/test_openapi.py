"""The documented scopes of the gateway are those that it asks for."""

from typing import Any

import pytest

from ari.gateway.openapi import scopes_for
from ari.gateway.route import METHODS
from tests.support.app import App, content_of


@pytest.mark.parametrize("method", METHODS)
def test_the_narrow_scope_is_offered_where_a_provider_lists_the_method(method: str) -> None:
    """No key for inference deletes anything, so it must not read that it could."""
    found = scopes_for(method)
    assert found[-1] == "ai-account:<provider>"
    assert ("ai:<provider>" in found) == (method in ("GET", "POST"))


def test_every_forwarded_method_is_described(app: App) -> None:
    """With API keys only: a session is refused (security.md 36)."""
    paths: dict[str, Any] = content_of(app("GET", "/api/openapi.json", app.key("api:read")))["paths"]
    operations = paths["/api/ai/{provider}/{path}"]
    assert {method.upper() for method in operations} == set(METHODS)
    for operation in operations.values():
        assert not [one for one in operation["security"] if "Session" in one]
