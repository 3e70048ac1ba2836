"""An API key that is in use will soon expire."""

from ari.base.clock import DAY_MS, HOUR_MS
from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words

_A_DAY_BEGUN_MS = DAY_MS - HOUR_MS


def _words(event: Event, look: Context) -> Words:
    days = _days_left(event)
    left = "within a day" if days <= 1 else f"in {days} days"
    return Words(
        subject=f"The API key {words.key_name(event, look)} expires {left}",
        happened=f"An API key that's in use expires {left}. After that, requests with it will be refused.",
        facts=(
            words.key_fact(event, look),
            ("Expires", words.told_time(event.detail.get("expires_at"), look)),
        ),
        advice="Create a replacement, switch to it, and let this key expire. Or extend its expiry.",
        place=words.key_place(event),
        button="View key usage",
    )


def _days_left(event: Event) -> int:
    """Days from the event to the expiry, rounded up: an email sent on a Friday may be about the Sunday."""
    expires_ms = words.told_ms(event.detail.get("expires_at"))
    if expires_ms is None:
        return int(event.detail.get("days", 0))
    return words.days_between(event.at_ms, expires_ms + _A_DAY_BEGUN_MS)


KIND = Kind(
    name="key_expiring",
    events=("key_expiring",),
    title="API key expires soon",
    says="7 days and 1 day before a key in use expires.",
    words=_words,
)
