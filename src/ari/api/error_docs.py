"""The error responses of operations, for OpenAPI."""

from collections.abc import Iterable
from typing import Any

from ari.api.shapes import ProblemOut
from ari.http.problem import MEDIA_TYPE
from ari.keys.reasons import REASONS, REQUEST_ERRORS, Reason

INVALID_KEY_ERRORS = ("malformed", "unknown", "expired", "revoked", "disabled", "retired")
"""Refusals of a key on every operation, even on one that needs no key."""
_COMMON = (
    "invalid_request",
    "key_in_url",
    "missing",
    *INVALID_KEY_ERRORS,
    "ip_not_allowed",
    "insufficient_scope",
    "method_not_allowed",
    "too_large",
    "misdirected",
    "rate_limited",
    "credits_exhausted",
    "internal",
    "unavailable",
)


def document_errors(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The error responses of an operation in OpenAPI: these codes and those that every operation can return."""
    return error_responses((*codes, *_COMMON))


def error_responses(codes: Iterable[str]) -> dict[int | str, dict[str, Any]]:
    """The responses with these codes, by status."""
    table = REASONS | REQUEST_ERRORS
    grouped: dict[int, list[Reason]] = {}
    for code in dict.fromkeys(codes):
        grouped.setdefault(table[code].status, []).append(table[code])
    schema = {"$ref": f"#/components/schemas/{ProblemOut.__name__}"}
    return {
        status: {
            "description": " ".join(f"`{one.code}`: {one.sentence}" for one in reasons),
            "content": {
                MEDIA_TYPE: {
                    "schema": schema,
                    "examples": {one.code: {"$ref": f"#/components/examples/{one.code}"} for one in reasons},
                }
            },
        }
        for status, reasons in sorted(grouped.items())
    }


BODY_ERRORS = ("invalid", "unsupported_media_type", "request_timeout", "csrf_failed")
"""Additional errors of operations with a request body."""
