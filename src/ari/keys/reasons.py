"""Every refusal in one table: code, HTTP status, public sentence. HTTP, the command line, docs and tests read it.

``REASONS`` are verdicts on a key; ``REQUEST_ERRORS`` are faults of a request that a sound key may make too.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """A code of the interface; ``title`` is a short name, ``sentence`` what the caller reads."""

    code: str
    status: int
    title: str
    sentence: str


def _table(*rows: tuple[str, int, str, str]) -> dict[str, Reason]:
    return {code: Reason(code, status, title, sentence) for code, status, title, sentence in rows}


REASONS = _table(
    ("missing", 401, "No API key", "Send an API key in the x-api-key header, or as Authorization: Bearer."),
    ("malformed", 401, "Not an API key", "This text is not an ARI API key; check that it was copied whole."),
    ("unknown", 401, "Unknown API key", "This instance knows no such API key."),
    ("expired", 401, "API key expired", "This API key has expired; ask the owner of the instance for a new one."),
    ("revoked", 401, "API key revoked", "This API key was revoked; ask the owner of the instance for a new one."),
    ("disabled", 401, "API key disabled", "This API key is disabled; the owner of the instance can enable it again."),
    ("ip_not_allowed", 403, "Address not allowed", "Requests from this network address are not allowed."),
    ("insufficient_scope", 403, "Scope missing", "The API key is valid but lacks the scope for this request."),
    ("rate_limited", 429, "Too many requests", "Too many requests; try again after the time in Retry-After."),
    ("usage_exceeded", 429, "Usage used up", "The usage granted to this API key is used up."),
    ("unavailable", 503, "Cannot decide now", "The instance cannot check API keys or log their use now; try again."),
)

REQUEST_ERRORS = _table(
    ("invalid_request", 400, "Bad request", "The request is contradictory or malformed."),
    ("key_in_url", 400, "API key in the URL", "An API key never belongs in a URL, where logs keep it; send a header."),
    ("csrf_failed", 403, "Request not verified", "ARI cannot verify that the request comes from its own page."),
    (
        "confirmation_required",
        403,
        "Confirm it is you",
        "The session's password was entered more than 15 minutes ago; enter it again at /confirm and retry.",
    ),
    ("forbidden", 403, "Not allowed", "The caller may not do this."),
    ("not_found", 404, "Not found", "There is nothing here."),
    ("method_not_allowed", 405, "Method not allowed", "This address does not answer to that method."),
    ("request_timeout", 408, "Request too slow", "The body did not arrive in time."),
    ("key_active", 409, "Key still active", "Only a revoked or expired key can be deleted; revoke it first."),
    ("key_inactive", 409, "Key inactive", "A revoked or expired key cannot be changed or revived."),
    (
        "not_configured",
        409,
        "Integration not configured",
        "There is no key, or no address, for this provider; see Settings > Integrations.",
    ),
    (
        "idempotency_key_reused",
        422,
        "Idempotency-Key used before",
        "This Idempotency-Key came with another request; use a new one for each.",
    ),
    ("mail_off", 409, "E-mail is off", "ARI cannot send mail: it is not set up for that."),
    ("conflict", 409, "Conflict", "The state of the thing forbids this."),
    ("too_large", 413, "Too large", "The body, a header or the URL is larger than ARI accepts."),
    ("unsupported_media_type", 415, "Unsupported content", "Send application/json, without Content-Encoding."),
    ("misdirected", 421, "Wrong host", "This instance does not answer to that host name."),
    ("invalid", 422, "Invalid input", "Some fields are not valid; each is listed in errors."),
    ("provider_rejected", 502, "Provider key refused", "The provider refused the key that this instance has for it."),
    ("provider_unreachable", 502, "Provider unreachable", "The provider could not be reached, or broke off."),
    ("provider_timed_out", 504, "Provider too slow", "The provider did not answer in time."),
    ("internal", 500, "Internal error", "ARI failed; the log has the details under this request id."),
)

MISSING, MALFORMED, UNKNOWN = REASONS["missing"], REASONS["malformed"], REASONS["unknown"]
EXPIRED, REVOKED, DISABLED = REASONS["expired"], REASONS["revoked"], REASONS["disabled"]
INSUFFICIENT_SCOPE, UNAVAILABLE = REASONS["insufficient_scope"], REASONS["unavailable"]
IP_NOT_ALLOWED, RATE_LIMITED = REASONS["ip_not_allowed"], REASONS["rate_limited"]

ACCEPTED = "ok"
"""The code of usage rows of accepted requests."""
