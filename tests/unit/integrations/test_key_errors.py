# ruff: noqa: E501 - bodies as they are
"""What errors of real services say of the key; the bodies are theirs, as their docs or public reports have them."""

import json
from typing import Any

import pytest

from ari.integrations.key_errors import Said, parse_key_error

REFUSED: list[Any] = [
    {"error": {"message": "Incorrect API key provided: sk-p****4Mq8. You can find your API key at …", "code": None}},
    {"error": {"message": "Incorrect API key provided", "type": "invalid_request_error", "code": "invalid_api_key"}},
    {"error": {"message": "You didn't provide an API key. You need to …", "type": "invalid_request_error"}},
    {
        "error": {
            "message": "The OpenAI account associated with this API key has been deactivated.",
            "code": "account_deactivated",
        }
    },
    {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}},
    {"type": "error", "error": {"type": "authentication_error", "message": "x-api-key header is required"}},
    {"type": "error", "error": {"type": "authentication_error", "message": "API key has been disabled"}},
    {"error": {"message": "Invalid API Key", "type": "invalid_request_error", "code": "invalid_api_key"}},
    {
        "error": {
            "message": "Authentication Fails (no such user)",
            "type": "authentication_error",
            "code": "invalid_request_error",
        }
    },
    {"error": {"message": "Authentication Fails, Your api key: ****0000 is invalid", "type": "authentication_error"}},
    {"error": {"message": "User not found.", "code": 401}},
    {"error": {"message": "No auth credentials found", "code": 401}},
    {
        "error": {
            "message": "Invalid API key provided. You can find your API key at …",
            "type": "invalid_api_key",
            "code": 401,
        }
    },
    {"detail": {"status": "invalid_api_key", "message": "Invalid API key"}},
    {
        "detail": {
            "status": "needs_authorization",
            "message": "Neither authorization header nor xi-api-key received, please provide one. Missing API key",
        }
    },
    {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xa***AA."},
    {
        "error": {
            "code": 400,
            "status": "INVALID_ARGUMENT",
            "message": "API key not valid. Please pass a valid API key.",
            "details": [{"reason": "API_KEY_INVALID"}],
        }
    },
    {"error": {"code": 400, "message": "API key expired. Please renew the API key.", "status": "INVALID_ARGUMENT"}},
    {
        "error": {
            "message": "Authentication Error, Invalid proxy server token passed.",
            "type": "auth_error",
            "code": "401",
        }
    },
    {"error": {"message": "Invalid API Key", "type": "authentication_error", "code": 401}},
    {"message": "The token has been revoked"},
    "Invalid token",
]
OTHER: list[Any] = [
    {
        "error": {
            "message": "You have insufficient permissions for this operation. Missing scopes: api.model.images.request. Check that you have the correct role in your organization, and if you're using a restricted API key, that it has the necessary scopes.",
            "code": "missing_scope",
        }
    },
    {
        "error": {
            "message": "You have insufficient permissions for this operation. Missing scopes: model.request",
            "code": None,
        }
    },
    {
        "error": {
            "message": "No such organization: org-x.",
            "type": "invalid_request_error",
            "code": "invalid_organization",
        }
    },
    {
        "error": {
            "message": "OpenAI-Organization header should match organization for API key",
            "code": "mismatched_organization",
        }
    },
    {"error": {"message": "OpenAI-Project header should match project for API key", "code": "mismatched_project"}},
    {"error": {"message": "Your IP is not authorized to use this API key", "code": "ip_not_authorized"}},
    {"error": {"message": "You must be a member of an organization to use the API", "code": None}},
    {
        "error": {
            "message": "Country, region, or territory not supported",
            "code": "unsupported_country_region_territory",
        }
    },
    {
        "error": {
            "message": "You exceeded your current quota, please check your plan",
            "type": "insufficient_quota",
            "code": 401,
        }
    },
    {"detail": {"status": "quota_exceeded", "message": "This request exceeds your quota of 10000."}},
    {
        "detail": {
            "status": "missing_permissions",
            "message": "The API key you used is missing the permission text_to_speech",
        }
    },
    {
        "detail": {
            "status": "detected_unusual_activity",
            "message": "Unusual activity detected. Free Tier usage disabled.",
        }
    },
    {"detail": {"status": "max_character_limit_exceeded", "message": "Too long"}},
    {
        "error": {
            "message": "key not allowed to access model. This key can only access models=['a']",
            "type": "key_model_access_denied",
            "code": "401",
        }
    },
    {
        "error": {
            "message": "API keys are not supported by this API. Expected OAuth2 access token",
            "status": "UNAUTHENTICATED",
            "details": [{"reason": "ACCESS_TOKEN_TYPE_UNSUPPORTED"}],
        }
    },
    {"error": {"message": "Insufficient credits", "code": 401}},
    {"error": {"message": "Budget has been exceeded!", "type": "budget_exceeded", "code": "401"}},
    {"message": "Your workspace may not call this."},
]
NOTHING: list[Any] = [
    "",
    {},
    {"detail": "Unauthorized"},
    {"message": "Unauthorized", "request_id": "abc"},
    {"error": "Unauthorized"},
    {"error": {"message": "Unauthorized", "code": 401, "type": "invalid_request_error"}},
    "<html><head><title>401 Authorization Required</title></head><body><center><h1>401 Authorization Required</h1></body></html>",
]


def _body(error: Any) -> bytes:
    return error.encode() if isinstance(error, str) else json.dumps(error).encode()


@pytest.mark.parametrize("error", REFUSED)
def test_a_refusal_of_the_key(error: Any) -> None:
    """By a code or by words."""
    assert parse_key_error(_body(error)) is Said.REFUSED


@pytest.mark.parametrize("error", OTHER)
def test_the_key_may_be_good(error: Any) -> None:
    """A right, the credit, the organization, a region, an address."""
    assert parse_key_error(_body(error)) is Said.OTHER


@pytest.mark.parametrize("error", [{"error": "this one needs a signed-in person"}, {"message": "Come back on Monday."}])
def test_what_nobody_has_seen_yet(error: Any) -> None:
    """It is not taken for a refusal of the key, nor for its praise."""
    assert parse_key_error(_body(error)) is Said.UNCLEAR


@pytest.mark.parametrize("error", NOTHING)
def test_no_reason_at_all(error: Any) -> None:
    """Then the status is all that was said."""
    assert parse_key_error(_body(error)) is Said.NOTHING


def test_any_bytes_are_read() -> None:
    """Nothing raises, nothing takes long."""
    for body in (b"\xff\xfe", b"[" * 60_000, b'{"error":' * 2_000, b"null", b'{"message": 7}', b"no " * 20_000):
        assert parse_key_error(body) in Said
