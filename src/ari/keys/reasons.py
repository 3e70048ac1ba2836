"""All error codes with their HTTP status and sentence, for HTTP, the command line, docs and tests.

``REASONS`` are refusals of a key; ``REQUEST_ERRORS`` are errors that a request with a valid key can get too.
"""

from dataclasses import dataclass

from ari.base.messages import EMAIL_IS_OFF, NOTHING_HERE


@dataclass(frozen=True, slots=True)
class Reason:
    """An error code; callers see the short ``title`` and the ``sentence``."""

    code: str
    status: int
    title: str
    sentence: str


def _table(*rows: tuple[str, int, str, str]) -> dict[str, Reason]:
    return {code: Reason(code, status, title, sentence) for code, status, title, sentence in rows}


REASONS = _table(
    ("missing", 401, "No API key", "Send an API key in the x-api-key header, or as Authorization: Bearer."),
    ("malformed", 401, "Malformed API key", "This isn't a valid ARI API key. Check that you copied all of it."),
    ("unknown", 401, "Unknown API key", "No such API key."),
    ("expired", 401, "API key expired", "This API key has expired. Ask its owner for a new one."),
    ("revoked", 401, "API key revoked", "This API key was revoked. Ask its owner for a new one."),
    ("disabled", 401, "API key disabled", "This API key is disabled. Its owner can enable it again."),
    ("retired", 401, "API key rotated", "This API key was replaced by a new secret. Ask its owner for that one."),
    ("ip_not_allowed", 403, "IP address not allowed", "Requests from this IP address aren't allowed."),
    ("insufficient_scope", 403, "Missing scope", "This key lacks the scope for this request."),
    ("rate_limited", 429, "Too many requests", "Too many requests. Retry after the time in Retry-After."),
    ("credits_exhausted", 429, "Credits used up", "This API key has no credits left for this request."),
    ("budget_exhausted", 429, "Budget used up", "A budget doesn't have enough left for this AI request."),
    (
        "cost_unknown",
        403,
        "Cost unknown",
        "The cost of this AI request can't be known in advance, and a budget must not be exceeded.",
    ),
    ("unavailable", 503, "Service unavailable", "ARI can't verify API keys right now. Try again."),
)

REQUEST_ERRORS = _table(
    ("invalid_request", 400, "Bad request", "The request is malformed."),
    ("key_in_url", 400, "API key in the URL", "Don't put API keys in URLs. Send the key in a header."),
    ("csrf_failed", 403, "Security check failed", "Reload the page and try again."),
    (
        "confirmation_required",
        403,
        "Confirm it's you",
        "Re-enter your password at /confirm, then retry.",
    ),
    ("forbidden", 403, "Not allowed", "You don't have permission to do this."),
    ("model_not_allowed", 403, "Model not allowed", "This key may not use this model."),
    ("proxy_misconfigured", 403, "Proxy misconfigured", "The proxy doesn't ask ARI about requests as it should."),
    ("not_found", 404, "Not found", NOTHING_HERE),
    ("method_not_allowed", 405, "Method not allowed", "This endpoint doesn't support that method."),
    ("request_timeout", 408, "Request timeout", "The request body didn't arrive in time."),
    ("key_active", 409, "Key still active", "Only revoked and expired keys can be deleted. Revoke the key first."),
    ("consumer_exists", 409, "Consumer exists", "Another consumer has this external ID."),
    ("consumer_has_keys", 409, "Consumer has keys", "Only consumers without API keys can be deleted."),
    ("key_inactive", 409, "Key inactive", "Revoked and expired keys can't be changed or restored."),
    ("keys_changed", 409, "Keys changed", "The matching keys changed in the meantime. List them again."),
    ("kind_exists", 409, "Kind already exists", "A kind of keys with this name or prefix already exists."),
    ("kind_in_use", 409, "Kind in use", "Keys have this kind. Revoke and delete them before you remove it."),
    ("scope_exists", 409, "Scope already declared", "This scope is already declared. Change its description instead."),
    (
        "scope_in_use",
        409,
        "Scope in use",
        (
            "Keys or presets list this scope, so removing it needs force. If new keys of a kind get it, change that "
            "kind first."
        ),
    ),
    (
        "rotation_in_progress",
        409,
        "Rotation in progress",
        "This key already has two active secrets. Wait for the old one to retire, or retire it now.",
    ),
    (
        "not_configured",
        409,
        "Integration not configured",
        "This provider isn't set up. See Settings > Integrations.",
    ),
    (
        "idempotency_key_reused",
        422,
        "Idempotency-Key already used",
        "This Idempotency-Key was used with a different request. Use a new one.",
    ),
    ("mail_off", 409, "Email is off", EMAIL_IS_OFF),
    ("conflict", 409, "Conflict", "This isn't possible in the current state."),
    ("cursor_gone", 410, "Event gone", "The audit log doesn't have the event to continue after."),
    ("too_large", 413, "Too large", "The body, a header or the URL is larger than ARI accepts."),
    ("unsupported_media_type", 415, "Unsupported content", "Send application/json without Content-Encoding."),
    ("misdirected", 421, "Wrong host", "Unknown host name. Set ARI_PUBLIC_URL or ARI_ALLOWED_HOSTS."),
    ("invalid", 422, "Invalid input", "Some fields are invalid; see errors."),
    ("provider_rejected", 502, "Provider key rejected", "The provider rejected its API key."),
    (
        "provider_rate_limited",
        429,
        "Provider rate limit",
        "The provider limits every key that ARI has for it. Retry after the time in Retry-After.",
    ),
    ("provider_unreachable", 502, "Provider unreachable", "Couldn't reach the provider, or the connection was lost."),
    ("provider_timed_out", 504, "Provider timeout", "The provider didn't respond in time."),
    ("internal", 500, "Internal error", "Something went wrong. Check the server log for this request ID."),
)

MISSING, MALFORMED, UNKNOWN = REASONS["missing"], REASONS["malformed"], REASONS["unknown"]
EXPIRED, REVOKED, DISABLED = REASONS["expired"], REASONS["revoked"], REASONS["disabled"]
RETIRED = REASONS["retired"]
INSUFFICIENT_SCOPE, UNAVAILABLE = REASONS["insufficient_scope"], REASONS["unavailable"]
PROXY_MISCONFIGURED = REQUEST_ERRORS["proxy_misconfigured"]
MODEL_NOT_ALLOWED = REQUEST_ERRORS["model_not_allowed"]
IP_NOT_ALLOWED, RATE_LIMITED = REASONS["ip_not_allowed"], REASONS["rate_limited"]

ACCEPTED = "ok"
"""The code of accepted requests in the usage log."""
