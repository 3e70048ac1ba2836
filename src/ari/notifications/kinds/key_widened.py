"""An API key may do more than before."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    return Words(
        subject=f"{words.key_name(event, look)} was given more access",
        happened="An API key was given additional scopes.",
        facts=(
            words.key_fact(event, look),
            ("Before", words.listed(event.detail.get("from", ()))),
            ("Now", words.listed(event.detail.get("to", ()))),
            *words.common_facts(event, look),
        ),
        advice="If you didn't expect this, remove the scopes or revoke the key, and sign out everywhere.",
        place=words.key_place(event),
        button="View key",
    )


KIND = Kind(
    name="key_widened",
    events=("key_scopes_changed",),
    title="API key given more access",
    says="When scopes are added to a key.",
    words=_words,
    concerns=lambda event: bool(event.detail.get("widened")),
)
