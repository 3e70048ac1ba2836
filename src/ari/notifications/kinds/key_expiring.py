"""An API key that is in use will soon expire."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    days = int(event.detail.get("days", 0))
    left = "tomorrow" if days <= 1 else f"in {days} days"
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


KIND = Kind(
    name="key_expiring",
    events=("key_expiring",),
    title="API key expires soon",
    says="7 days and 1 day before a key expires, if it is in use.",
    words=_words,
)
