"""What the API's description says of the whole: how to authenticate, what errors look like, what the tags hold."""

from typing import Any

from ari.base.settings import Settings
from ari.http.cookies import session_cookie_name

SUMMARY = "Create, watch and revoke API keys, and ask whether one is good."

DESCRIPTION = """\
Send an API key of this instance with every request, in the header `x-api-key`, or as `Authorization: Bearer` or \
`Authorization: ApiKey`. Keys are created in Settings > API; each has scopes, and every operation names the scope that \
it needs. A key never belongs in a URL.

**Errors** are problem details (RFC 9457) of the type `application/problem+json`. Their `code` is made for programs \
and stays; `detail` is made for people. `401` says that the key is not good, `403` that it lacks a scope, `503` that \
ARI cannot decide now: it never guesses.

**Lists** are newest first. `limit` says how many; `next_cursor` of one page is the `cursor` of the next, and `null` \
on the last.

**Times** are RFC 3339 in UTC with milliseconds. Bodies are JSON; a field that is not known is refused. Send \
`x-request-id` to find a request again in the log, or take the one that is answered.
"""

TAGS = {
    "API keys": "The keys themselves: create, list, change, revoke, delete. The secret of a key is answered once.",
    "Verification": "Your own services ask whether a key that they were shown is good, and what it may do.",
    "Caller": "Who is calling: the quickest way to try a key.",
    "Integrations": "Provider keys: the keys of outside services, kept sealed. They come in and never go out again.",
    "AI gateway": "Requests to AI providers, forwarded with the key that is sealed here.",
    "Usage": "The log of every request that presented a key of this instance, the refused ones too: its rows, its "
    "numbers, and files of it.",
    "Notifications": "Which mails the owner gets, and what became of each.",
    "Events": "The audit trail: who changed what, when and from where.",
    "API description": "This document.",
    "Health": "For probes and load balancers; open to everybody, without details.",
}
"""Every tag, in the order of the API docs."""


def security_schemes(settings: Settings) -> dict[str, Any]:
    """The ways to say who is calling."""
    return {
        "ApiKey": {
            "type": "apiKey",
            "in": "header",
            "name": "x-api-key",
            "description": "An API key of this instance, `ari_k_…`.",
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
            "description": "The browser in which the owner is signed in, for pages of this instance only.",
        },
        "Csrf": {
            "type": "apiKey",
            "in": "header",
            "name": "x-csrf-token",
            "description": "The proof that a page of this instance sends along with the session when it changes "
            "something. Not needed with an API key.",
        },
    }
