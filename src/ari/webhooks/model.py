"""Webhooks, their deliveries, and the results of sending them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ari.base.caller import is_key
from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.webhooks.event_types import matches

Format = Literal["standard", "slack", "discord", "ntfy"]
OffReason = Literal["paused", "gone", "failing", "key_ended", "restored"]
DeliveryState = Literal["waiting", "sending", "delivered", "failed"]

FORMATS: Mapping[Format, str] = {
    "standard": "JSON with a signature, as the Standard Webhooks specification says.",
    "slack": "A message for a Slack incoming webhook.",
    "discord": "A message for a Discord webhook.",
    "ntfy": "A message for an ntfy topic.",
}
OFF_REASONS: Mapping[OffReason, str] = {
    "paused": "Someone turned it off.",
    "gone": "The receiver returned 410 Gone.",
    "failing": "Every delivery failed for five days.",
    "key_ended": "The API key that set its URL was revoked, rotated or lost its scopes. Set the URL again.",
    "restored": "It came from a backup. Turn it on if this instance is to send its events.",
}
STATES: Mapping[DeliveryState, str] = {
    "waiting": "Waiting to be sent or retried.",
    "sending": "Being sent.",
    "delivered": "The receiver returned a 2xx status.",
    "failed": "Given up; see the error. It can be replayed.",
}
"""Descriptions for the page, the command line and the docs."""

URL_KIND = "webhook_url"
SECRET_KIND = "webhook_secret"  # noqa: S105 - a kind of secrets
OLD_SECRET_KIND = "webhook_old_secret"  # noqa: S105 - a kind of secrets
"""Kinds of encrypted secrets; the subject is the webhook's ID."""

ATTEMPT_SECONDS = 15.0
"""Time limit of one attempt, from resolving the name to the status of the response."""
BATCH_SIZE = 10
"""Deliveries of one webhook that one process sends one after the other under one lease."""
LEASE_MS = 4 * MINUTE_MS
"""How long a process has a batch: longer than ``BATCH_SIZE`` attempts take."""
CLOCK_SLACK_MS = MINUTE_MS
"""How far the clocks of two nodes may differ."""
MAX_WAIT_MS = 2 * HOUR_MS
"""Longer than any pause between attempts: what waits longer was queued before the clock was set back."""
RETRY_MS = DAY_MS
"""How long a delivery is retried."""
WARN_AFTER_MS = DAY_MS
"""How long a webhook fails before its owner gets an email."""
OFF_AFTER_MS = 5 * DAY_MS
"""How long every delivery fails before the webhook is turned off."""
RETENTION_MS = 30 * DAY_MS
"""How long deliveries are kept."""
OVERLAP_MS = DAY_MS
"""How long an old secret still signs after a rotation."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook without its secrets: its URL and its signing secret are stored encrypted.

    ``place`` is scheme and host of the URL, for people. ``url_by`` is the actor that set the URL; if it is an API
    key, ``url_secret_number`` is that of the secret it used. ``revision`` counts changes of the URL and of the signing
    secret, and each time it was turned on. It gets the events after ``after_seq`` in the audit log.
    ``off_reason`` is ``None`` while it is on. ``failing_since_ms`` is the first failed attempt after the last success,
    ``warned_at_ms`` is when the owner was notified of that, and until ``rests_until_ms`` nothing is tried.
    """

    id: str
    name: str
    place: str
    url_by: str
    format: Format
    events: tuple[str, ...]
    created_at_ms: int
    created_by: str
    after_seq: int = 0
    revision: int = 0
    url_secret_number: int | None = None
    off_reason: OffReason | None = None
    old_secret_until_ms: int | None = None
    failing_since_ms: int | None = None
    warned_at_ms: int | None = None
    rests_until_ms: int | None = None
    delivered_at_ms: int | None = None

    @property
    def is_on(self) -> bool:
        return self.off_reason is None

    @property
    def url_is_owners(self) -> bool:
        """Whether the owner set the URL, in a session or at the command line, and not an API key."""
        return not is_key(self.url_by)

    @property
    def is_signed(self) -> bool:
        """Whether its messages are signed; chat services can't verify signatures."""
        return self.format == "standard"

    def wants(self, event_type: str) -> bool:
        """Whether one of its patterns matches this type of event."""
        return any(matches(pattern, event_type) for pattern in self.events)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one webhook.

    ``id`` is the header ``webhook-id``, the same in every attempt and replay. ``at_ms`` is the time of the event,
    ``queued_at_ms`` when the delivery was made or replayed. ``status`` is that of the last response, and ``error`` says
    why the last attempt failed. ``body`` is read only to send it.
    """

    id: str
    webhook_id: str
    event_id: str
    type: str
    at_ms: int
    queued_at_ms: int
    state: DeliveryState
    attempts: int = 0
    next_try_at_ms: int | None = None
    tried_at_ms: int | None = None
    status: int | None = None
    error: str | None = None
    duration_ms: int | None = None
    is_test: bool = False
    body: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class DeliveryBatch:
    """Deliveries of one webhook under a lease, and what is needed to send them. Never shown, never logged."""

    webhook: Webhook
    deliveries: tuple[Delivery, ...]
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The result of one attempt. ``error`` is ``None`` if it was delivered; ``wait_seconds`` is what the receiver asks.

    It holds nothing of the response but its status (security.md 41).
    """

    status: int | None
    error: str | None
    duration_ms: int
    wait_seconds: float = 0.0

    @property
    def is_gone(self) -> bool:
        return self.status == 410  # RFC 9110 §15.5.11: permanently gone
