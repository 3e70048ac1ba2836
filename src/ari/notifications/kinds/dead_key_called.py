"""A revoked or expired API key is still being called."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import FROM_STRANGERS, Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    state = {"revoked": "revoked", "expired": "expired"}.get(str(event.detail.get("code")), "dead")
    return Words(
        subject=f"The {state} API key {words.key_name(event, look)} is still being called",
        happened=f"Something still calls with a key that is {state}. Every one of these calls was refused.",
        facts=(words.key_fact(event, look), *words.call_facts(event, look)),
        advice="Find what runs at these addresses and give it a new key. If you do not know it, the key has leaked; "
        "being dead, it does no harm.",
        place=words.key_place(event),
        button="See the refused calls",
    )


KIND = Kind(
    name="dead_key_called",
    events=("dead_key_called",),
    title="Dead API key still called",
    says="When a revoked or expired key is still being called, with from where.",
    words=_words,
    per_day=FROM_STRANGERS,
)
