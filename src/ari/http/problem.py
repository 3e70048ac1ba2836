"""Errors as ``application/problem+json`` (RFC 9457), with the challenges of a 401 (RFC 9110 §11.6.1, RFC 6750 §3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec

from ari.base import errors
from ari.base.errors import AriError, Problem
from ari.keys.reasons import INSUFFICIENT_SCOPE, MISSING, REASONS, REQUEST_ERRORS, UNAVAILABLE, Reason

MEDIA_TYPE = "application/problem+json"
DOCS_PATH = "/errors"

Header = tuple[bytes, bytes]
_RETRY_MAY_HELP = frozenset(
    (
        "internal",
        "provider_rate_limited",
        "provider_timed_out",
        "provider_unreachable",
        "rate_limited",
        "request_timeout",
        "unavailable",
    )
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A refusal on its way to the caller; ``scope`` is the missing right, ``limit`` the one that is used up.

    ``retry_after_seconds`` is when to try again.
    """

    reason: Reason
    detail: str | None = None
    problems: Sequence[Problem] = ()
    scope: str | None = None
    retry_after_seconds: int | None = None
    limit: str | None = None
    headers: Sequence[Header] = field(default=())


def fault_of(error: AriError) -> Fault:
    """How an error of the tree looks over HTTP."""
    text = str(error)
    match error:
        case errors.Invalid():
            return Fault(REQUEST_ERRORS["invalid"], None, error.problems)
        case errors.NotFound():
            return Fault(REQUEST_ERRORS["not_found"], text)
        case errors.Conflict():
            return Fault(REQUEST_ERRORS.get(error.code, REQUEST_ERRORS["conflict"]), text)
        case errors.Forbidden() if error.scope is not None:
            return Fault(INSUFFICIENT_SCOPE, _name_scope(text, error.scope), scope=error.scope)
        case errors.Forbidden():
            return Fault(REQUEST_ERRORS["forbidden"], text)
        case errors.ReauthRequired():
            return Fault(REQUEST_ERRORS["confirmation_required"])
        case errors.CallerRevoked():
            return Fault(REASONS.get(error.code, MISSING))
        case errors.RateLimited() | errors.LimitExceeded():
            wait = error.retry_after_seconds
            return Fault(REASONS[error.code], text, retry_after_seconds=wait, limit=error.limit)
        case errors.Unavailable():
            return Fault(UNAVAILABLE, text, retry_after_seconds=error.retry_after_seconds)
        case _:
            return Fault(REQUEST_ERRORS["internal"])


def body(fault: Fault, base_url: str | None, request_id: str, *, for_sdks: bool = False) -> bytes:
    """The problem document; it never holds a value that the caller sent (security.md 7).

    Without ``base_url``, where no page explains the code, the type is ``about:blank`` and the title that of the status.
    ``for_sdks``: it has the words once more where the SDKs of AI providers look for them.
    """
    reason = fault.reason
    document: dict[str, object] = {
        "type": "about:blank" if base_url is None else f"{base_url}{DOCS_PATH}/{reason.code}",
        "title": HTTPStatus(reason.status).phrase if base_url is None else reason.title,
        "status": reason.status,
        "detail": fault.detail or (_find_missing_scope(fault.scope) if fault.scope else reason.sentence),
        "code": reason.code,
        "request_id": request_id,
    }
    if fault.scope:
        document["scope"] = fault.scope
    if fault.limit:
        document["limit"] = fault.limit
    if fault.problems:
        document["errors"] = [{"location": one.location, "message": one.message} for one in fault.problems]
    if for_sdks:
        document["error"] = {"type": reason.code, "code": reason.code, "message": document["detail"]}
    return msgspec.json.encode(document)


def _name_scope(text: str, scope: str) -> str:
    """The sentence, followed by one about the missing scope unless it names it."""
    return text if scope in text else f"{text} {_find_missing_scope(scope)}"


def _find_missing_scope(scope: str) -> str:
    return f"This key needs the scope “{scope}”."


def headers(fault: Fault, *, token_sent: bool, for_sdks: bool = False) -> list[Header]:
    """Challenge, Retry-After and what the fault brings along.

    ``for_sdks``: it says that a retry cannot help, where that is so; the SDKs of AI providers repeat 409 and 5xx.
    """
    found = list(fault.headers)
    reason = fault.reason
    if reason.status == 401:
        bearer = 'Bearer realm="ari"' + (', error="invalid_token"' if token_sent else "")
        found += [
            (b"www-authenticate", bearer.encode()),
            (b"www-authenticate", b'ApiKey realm="ari", header="x-api-key"'),
        ]
    elif reason is INSUFFICIENT_SCOPE:
        scope = f', scope="{fault.scope}"' if fault.scope else ""
        challenge = f'Bearer realm="ari", error="insufficient_scope"{scope}'
        found.append((b"www-authenticate", challenge.encode()))
    if fault.retry_after_seconds is not None or reason is UNAVAILABLE:
        found.append((b"retry-after", str(fault.retry_after_seconds or 1).encode()))
    if for_sdks and reason.code not in _RETRY_MAY_HELP and not any(name == b"x-should-retry" for name, _ in found):
        found.append((b"x-should-retry", b"false"))
    return found
