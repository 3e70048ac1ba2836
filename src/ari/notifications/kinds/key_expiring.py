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
        happened=f"An API key that is in use expires {left}. From then on every request with it is refused.",
        facts=(
            words.key_fact(event, look),
            ("Expires", words.told_time(event.detail.get("expires_at"), look)),
        ),
        advice="Create its successor, put that where this key is used, and let this one expire. "
        "If it shall live on, give it a later expiry.",
        place=words.key_place(event),
        button="See who uses the key",
    )


def _days_left(event: Event) -> int:
    """Told on a Friday of a key's end at the weekend, it is more than the ``days`` of the event; one begun counts."""
    expires_ms = words.told_ms(event.detail.get("expires_at"))
    if expires_ms is None:
        return int(event.detail.get("days", 0))
    return words.days_between(event.at_ms, expires_ms + _A_DAY_BEGUN_MS)


KIND = Kind(
    name="key_expiring",
    events=("key_expiring",),
    title="API key expires soon",
    says="7 days and 1 day before a key expires, if it is in use.",
    words=_words,
)
