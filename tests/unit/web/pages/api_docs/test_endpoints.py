"""The endpoints for keys, as the pages list them."""

import asyncio
from collections.abc import Mapping
from typing import Any

from ari.web.pages.api_docs.endpoints import Endpoint, Endpoints

DOCUMENT = {
    "tags": [
        {"name": "API keys", "description": "The keys."},
        {"name": "Unused", "description": "Nothing."},
        {"name": "Health", "description": "For probes."},
    ],
    "paths": {
        "/api/health": {"get": {"tags": ["Health"], "summary": "Up", "security": [], "operationId": "health"}},
        "/api/keys": {
            "post": {
                "tags": ["API keys"],
                "summary": "Create",
                "security": [{"ApiKey": ["keys:write"]}, {"Bearer": ["keys:write"]}],
                "operationId": "create_key",
            },
            "get": {"tags": ["API keys"], "summary": "Me", "security": [{"ApiKey": []}], "operationId": "me"},
        },
    },
}


def test_endpoints_are_grouped_by_tag_with_their_scopes_and_made_once() -> None:
    """In the order of the tags, empty ones left out; the description is built a single time."""
    asked = []

    async def describe() -> Mapping[str, Any]:
        asked.append(1)
        return DOCUMENT

    async def twice() -> Any:
        endpoints = Endpoints(describe)
        assert await endpoints.groups() is await endpoints.groups()
        return await endpoints.groups()

    keys, health = asyncio.run(twice())
    assert (keys.name, keys.about, health.name) == ("API keys", "The keys.", "Health")
    assert keys.endpoints == (
        Endpoint("POST", "/api/keys", "Create", "keys:write", "/api-docs#tag/api-keys/create_key"),
        Endpoint("GET", "/api/keys", "Me", None, "/api-docs#tag/api-keys/me"),
    )
    assert [one.scope for one in health.endpoints] == [""]
    assert asked == [1]
