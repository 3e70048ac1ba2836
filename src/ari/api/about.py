"""Introduction of the OpenAPI document: authentication, errors and tags."""

from typing import Any

from ari.base.settings import Settings
from ari.http.cookies import session_cookie_name

SUMMARY = "Create, monitor, revoke and verify API keys."

DESCRIPTION = """\
Send an API key with every request, in the `x-api-key` header, or as `Authorization: Bearer` or \
`Authorization: ApiKey`. Create keys in Settings > API. Each key has scopes, and every operation names the scope it \
requires. Don't put API keys in URLs.

**Errors** are problem details (RFC 9457) with the type `application/problem+json`. Their `code` is stable and meant \
for programs; `detail` is for people. `401` means the key is invalid, `403` that it lacks a scope, `503` that ARI \
can't check it right now.

**Lists** are newest first. `limit` sets the page size. Pass `next_cursor` of one page as `cursor` to get the next; \
it's `null` on the last page.

**Times** are RFC 3339 in UTC with milliseconds. Bodies are JSON; unknown fields are rejected. Send your own \
`x-request-id`, or use the one in the response, to find a request in the log.
"""

TAGS = {
    "API keys": "Create, list, update, revoke and delete API keys. A key's secret is returned once.",
    "Scopes": "Scopes of your own API, which keys can hold next to ARI's own, and presets of scopes.",
    "Verification": "Check whether a key sent to your own service is valid, and what it may do.",
    "Leaks": "Report a key that others can read. No key required.",
    "Caller": "Identify the caller. The quickest way to test a key.",
    "Consumers": "Customers, teams or services that keys belong to.",
    "Integrations": "Encrypted provider keys (OpenAI, Anthropic, …). They can be set but never read back.",
    "AI gateway": "Requests to AI providers, forwarded with the stored provider key.",
    "Usage": "Every request made with an API key, including refused ones: log, statistics and exports.",
    "Notifications": "Email notifications and their delivery history.",
    "Webhooks": "Send events to your own URLs, signed or as chat messages, and see their deliveries.",
    "Events": "Audit log: who changed what, when and from where.",
    "API description": "This document.",
    "Health": "For probes and load balancers. No key required, no details returned.",
}
"""All tags, in the order of the API docs."""


def security_schemes(settings: Settings) -> dict[str, Any]:
    """The authentication methods."""
    return {
        "ApiKey": {
            "type": "apiKey",
            "in": "header",
            "name": "x-api-key",
            "description": "An API key, `ari_k_…`.",
        },
        "Bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "ari_k_…",
            "description": "The same API key as `Authorization: Bearer`.",
        },
        "Session": {
            "type": "apiKey",
            "in": "cookie",
            "name": session_cookie_name(settings),
            "description": "The owner's browser session, for ARI's own pages only.",
        },
        "Csrf": {
            "type": "apiKey",
            "in": "header",
            "name": "x-csrf-token",
            "description": "CSRF token that ARI's pages send with changes. Not needed with an API key.",
        },
    }
