"""Send email through Resend's HTTP API.

Sources: https://resend.com/docs/api-reference/emails/send-email, …/api-reference/errors and
…/dashboard/emails/idempotency-keys (a key is kept for 24 hours; the same key with different content is refused).
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from ari.base.hosts import ascii_address
from ari.notifications.model import Accepted, Email, Rejected, Retry, SendResult
from ari.outbound.http import CONNECT_SECONDS, FaultWord, HttpClient, OutboundFault, Timeouts
from ari.outbound.retry_after import read_wait_seconds

_MAX_BYTES = 64 * 1024
_OWNERS_TURN_SECONDS = 1800.0
"""The wait when the owner must act first: replace the key, verify a domain, raise a quota."""
_FAULTS: Mapping[FaultWord, str] = {
    "unreachable": "Couldn't reach Resend.",
    "broken": "Resend's response was cut off or isn't HTTP.",
    "timed_out": "Resend didn't respond in time.",
    "refused_address": "Resend's host name resolves to an address ARI isn't allowed to call.",
    "tls": "Resend's TLS certificate is invalid.",
}
_MEANINGS = {
    "missing_api_key": "the API key is missing",
    "restricted_api_key": "the key lacks the permission",
    "invalid_api_key": "RESEND_API_KEY isn't a valid key",
    "401 validation_error": "RESEND_API_KEY isn't a valid key",
    "403 validation_error": "it only sends from verified domains, or from onboarding@resend.dev to your own account's "
    "address; verify a domain and set ARI_MAIL_FROM",
    "invalid_from_address": "it can't send from the address in ARI_MAIL_FROM",
    "validation_error": "the email is invalid",
    "missing_required_field": "the email is incomplete",
    "invalid_idempotency_key": "the notification's ID is invalid",
    "invalid_idempotent_request": "this notification was already sent with different content",
    "concurrent_idempotent_requests": "it's still processing the same notification",
    "rate_limit_exceeded": "too many emails at once",
    "daily_quota_exceeded": "your account's daily quota is used up",
    "monthly_quota_exceeded": "your account's monthly quota is used up",
    "security_error": "it rejected the email for security reasons",
    "500": "internal error at Resend",
}
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


class Resend:
    """Implements ``notifications.ports.Sender``."""

    name = "resend"

    def __init__(self, base_url: str, api_key: str, *, set_by_owner: bool) -> None:
        """``set_by_owner``: the owner chose the base URL, so it may be on this machine or a private network."""
        self._url = f"{base_url}/emails"
        self._api_key = api_key
        self._private = set_by_owner

    async def send(self, email: Email, key: str, within_seconds: float) -> SendResult:
        """Send the email. ``key`` is the idempotency key, so Resend sends it once even if ARI retries."""
        headers = [
            ("Authorization", f"Bearer {self._api_key}"),
            ("Content-Type", "application/json"),
            ("Accept", "application/json"),
            ("Idempotency-Key", key),
            ("User-Agent", "ari"),  # Resend refuses requests without one
        ]
        try:
            recipient = ascii_address(email.recipient)
        except ValueError:
            return Rejected("The recipient's address can't be used in an email.")
        mail = {
            "from": email.sender,
            "to": [recipient],
            "subject": email.subject,
            "html": email.html,
            "text": email.text,
        }
        timeouts = Timeouts(CONNECT_SECONDS, within_seconds, within_seconds)
        body = json.dumps(mail).encode()
        try:
            async with (
                HttpClient() as client,
                client.call("POST", self._url, headers, body, private=self._private, timeouts=timeouts) as reply,
            ):
                return outcome_of(
                    reply.status, read_wait_seconds(reply.headers), await reply.read_beginning(_MAX_BYTES)
                )
        except OutboundFault as fault:
            return Retry(_FAULTS[fault.word])


def outcome_of(status: int, wait_seconds: float, body: bytes) -> SendResult:
    """The outcome of a response: sent, retry after the wait it asks for, or permanently refused."""
    said = _json(body)
    sender_id = said.get("id")
    if status in (200, 201, 202):
        if isinstance(sender_id, str) and _ID.fullmatch(sender_id):
            return Accepted(sender_id)
        return Retry("Resend's response has no ID.")
    name = str(said.get("name", ""))
    words = _words(status, name)
    if status == 409:
        return Rejected(words) if name == "invalid_idempotent_request" else Retry(words, 5)
    if status == 429:
        quota = name.endswith("quota_exceeded")
        return Retry(words, _OWNERS_TURN_SECONDS if quota else max(wait_seconds, 1.0))
    if status in (401, 403):
        return Retry(words, _OWNERS_TURN_SECONDS)
    if status == 408 or status >= 500 or status < 400:
        return Retry(words, wait_seconds)
    return Rejected(words)


def _words(status: int, name: str) -> str:
    """Describe a rejection in ARI's words: no text from the response is kept (security.md 41)."""
    meaning = _MEANINGS.get(f"{status} {name}") or _MEANINGS.get(name) or _MEANINGS.get(str(status))
    return f"Resend returned {status}: {meaning}." if meaning else f"Resend returned status {status}."


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
