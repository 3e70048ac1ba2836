"""A revoked or expired API key is still being used."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import FROM_STRANGERS, Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    state = {"revoked": "revoked", "expired": "expired"}.get(str(event.detail.get("code")), "inactive")
    return Words(
        subject=f"The {state} API key {words.key_name(event, look)} is still being used",
        happened=f"This API key is {state} but still being used. All of these requests were refused.",
        facts=(words.key_fact(event, look), *words.call_facts(event, look)),
        advice="Find what is running at these IP addresses and give it a new key. If you don't recognize them, the key "
        f"has leaked; since it's {state}, it can do no harm.",
        place=words.key_place(event),
        button="View refused requests",
    )


KIND = Kind(
    name="dead_key_called",
    events=("dead_key_called",),
    title="Inactive API key still used",
    says="When a revoked or expired key is still being used, and from which IP addresses.",
    words=_words,
    per_day=FROM_STRANGERS,
)
