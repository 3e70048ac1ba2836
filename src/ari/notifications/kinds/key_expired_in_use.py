"""An API key expired although it was still being called."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    return Words(
        subject=f"The API key {words.key_name(event, look)} expired while in use",
        happened="An API key expired while it was still being called. Whatever uses it is refused now.",
        facts=(
            words.key_fact(event, look),
            ("Expired", words.told_time(event.detail.get("expires_at"), look, "a while ago")),
            *words.call_facts(event, look),
        ),
        advice="An expired key cannot be revived: create a new one and put it where this key was used.",
        place=words.key_place(event),
        button="See who uses the key",
    )


KIND = Kind(
    name="key_expired_in_use",
    events=("key_expired_in_use",),
    title="API key expired while in use",
    says="When a key expires that was called in the days before.",
    words=_words,
)
