"""An API key may do more than before."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    return Words(
        subject=f"The API key {words.key_name(event, look)} may do more now",
        happened="The access of an API key was widened. Whoever holds the key can do more from now on.",
        facts=(
            words.key_fact(event, look),
            ("Before", words.listed(event.detail.get("from", ()))),
            ("Now", words.listed(event.detail.get("to", ()))),
            *words.common_facts(event, look),
        ),
        advice="If you did not expect this, narrow the key again or revoke it, and end all sessions.",
        place=words.key_place(event),
        button="See the key",
    )


KIND = Kind(
    name="key_widened",
    events=("key_scopes_changed",),
    title="API key may do more",
    says="When a key gets scopes that it did not have.",
    words=_words,
    concerns=lambda event: bool(event.detail.get("widened")),
)
