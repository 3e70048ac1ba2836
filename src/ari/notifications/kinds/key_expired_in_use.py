"""An API key expired although it was still being called."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    return Words(
        subject=f"The API key {words.key_name(event, look)} expired while in use",
        happened="An API key expired while still in use. Requests with it are now refused.",
        facts=(
            words.key_fact(event, look),
            ("Expired", words.told_time(event.detail.get("expires_at"), look, "a while ago")),
            *words.call_facts(event, look),
        ),
        advice="Expired keys can't be restored. Create a new key and switch to it.",
        place=words.key_place(event),
        button="View key usage",
    )


KIND = Kind(
    name="key_expired_in_use",
    events=("key_expired_in_use",),
    title="API key expired while in use",
    says="When a key expires that was used in the days before.",
    words=_words,
)
