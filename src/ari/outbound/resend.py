"""Mail through Resend's HTTP API.

Sources: https://resend.com/docs/api-reference/emails/send-email, …/api-reference/errors and
…/dashboard/emails/idempotency-keys (a key is kept for 24 hours; the same key with another content is refused).
"""

import asyncio
import json
import re
from typing import Any

import httpx2

from ari.base.secrets_in_text import cut_secrets
from ari.notifications.model import Again, Letter, Outcome, Refused, Sent
from ari.outbound.resolve import checked_address

_MOST_BYTES = 64 * 1024
_OWNERS_TURN_SECONDS = 1800.0
"""How long to wait where the owner must do something first: another key, a verified domain, a higher quota."""
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


class Resend:
    """Fulfils ``notifications.ports.Sender``."""

    name = "resend"

    def __init__(self, base_url: str, api_key: str, *, set_by_owner: bool) -> None:
        """``set_by_owner``: the address was set by a setting, so it may be on this machine or its network."""
        self._url = httpx2.URL(f"{base_url}/emails")
        self._api_key = api_key
        self._private = set_by_owner

    async def send(self, letter: Letter, key: str, within_seconds: float) -> Outcome:
        """Hand the mail over; ``key`` is what Resend knows a repeated try by."""
        try:
            async with asyncio.timeout(within_seconds):
                status, headers, body = await self._post(letter, key)
        except TimeoutError:
            return Again(f"Resend did not answer within {within_seconds:g} seconds.")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            return Again(f"Resend could not be reached ({type(error).__name__}).")
        return outcome_of(status, headers, body)

    async def _post(self, letter: Letter, key: str) -> tuple[int, httpx2.Headers, bytes]:
        address = await checked_address(self._url.host, self._url.port or _port(self._url), private=self._private)
        headers = {
            "Authorization": f"Bearer {self._api_key}",
            "Idempotency-Key": key,
            "Host": self._url.netloc.decode(),
            "User-Agent": "ari",
        }
        mail = {
            "from": letter.sender,
            "to": [letter.recipient],
            "subject": letter.subject,
            "html": letter.html,
            "text": letter.text,
        }
        # Connects to the very address that was checked; TLS is verified for the name.
        there, names = self._url.copy_with(host=address), {"sni_hostname": self._url.host}
        async with (
            httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=None) as client,
            client.stream("POST", there, headers=headers, json=mail, extensions=names) as response,
        ):
            body = b""
            async for chunk in response.aiter_raw(_MOST_BYTES):
                body += chunk
                if len(body) >= _MOST_BYTES:
                    break
            return response.status_code, response.headers, body


def outcome_of(status: int, headers: httpx2.Headers, body: bytes) -> Outcome:
    """What an answer means: taken, to be tried again, or refused for good."""
    said = _json(body)
    sender_id = said.get("id")
    if status in (200, 201, 202):
        if isinstance(sender_id, str) and _ID.fullmatch(sender_id):
            return Sent(sender_id)
        return Again("Resend answered without an id.")
    name = str(said.get("name", ""))
    words = _words(status, said)
    if status == 409:
        return Refused(words) if name == "invalid_idempotent_request" else Again(words, 5)
    if status == 429:
        quota = name.endswith("quota_exceeded")
        return Again(words, _OWNERS_TURN_SECONDS if quota else _seconds(headers, 1))
    if status in (401, 403):
        return Again(words, _OWNERS_TURN_SECONDS)
    if status == 408 or status >= 500 or status < 400:
        return Again(words, _seconds(headers, 0))
    return Refused(words)


def _words(status: int, said: dict[str, Any]) -> str:
    """Resend's own sentence, without anything that looks like a key, or the status where there is none."""
    message = said.get("message")
    if not isinstance(message, str) or not message.strip():
        return f"Resend answered with status {status}."
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in cut_secrets(message)).split())
    return f"Resend answered {status}: {line[:300]}"


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(headers: httpx2.Headers, otherwise: float) -> float:
    """How long the service asks to be left alone, up to an hour."""
    text = headers.get("retry-after", headers.get("ratelimit-reset", ""))
    return min(float(text), 3600.0) if re.fullmatch(r"\d{1,6}", text) else otherwise


def _port(url: httpx2.URL) -> int:
    return 443 if url.scheme == "https" else 80
