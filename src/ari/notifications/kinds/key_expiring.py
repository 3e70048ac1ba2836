"""An API key in use expires soon."""

from ari.base.clock import DAY_MS, HOUR_MS
from ari.base.events import Event
from ari.notifications import facts, text
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent

_A_DAY_BEGUN_MS = DAY_MS - HOUR_MS


def _write(event: Event, context: NoticeContext) -> EmailContent:
    days = _count_days_left(event)
    left = "within a day" if days <= 1 else f"in {days} days"
    return EmailContent(
        subject=f"The API key {facts.key_name(event, context)} expires {left}",
        summary=f"An API key that's in use expires {left}. After that, requests with it will be refused.",
        facts=(
            facts.key_fact(event, context),
            ("Expires", facts.format_time(event.detail.get("expires_at"), context)),
        ),
        advice="Create a replacement, switch to it, and let this key expire. Or extend its expiry.",
        path=facts.key_path(event),
        button="View key usage",
    )


def _count_days_left(event: Event) -> int:
    """Days from the event to the expiry, rounded up: an email sent on a Friday may be about the Sunday."""
    expires_ms = facts.parse_time(event.detail.get("expires_at"))
    if expires_ms is None:
        return int(event.detail.get("days", 0))
    return text.days_between(event.at_ms, expires_ms + _A_DAY_BEGUN_MS)


KIND = NoticeKind(
    name="key_expiring",
    events=("key_expiring",),
    title="API key expires soon",
    description="7 days and 1 day before a key in use expires.",
    write=_write,
)
