"""A new API key: the owner's own doing, or the first trace of somebody else's."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    return Words(
        subject=f"The API key {words.key_name(event, look)} was created",
        happened="A new API key can now call ARI.",
        facts=(
            words.key_fact(event, look),
            ("Access", words.listed(event.detail.get("scopes", ()))),
            ("Expires", words.told_time(event.detail.get("expires_at"), look)),
            *words.common_facts(event, look),
        ),
        advice="If you didn't expect this, revoke the key and review recent activity.",
        place=words.key_place(event),
        button="View key",
    )


KIND = Kind(
    name="key_created",
    events=("key_created",),
    title="API key created",
    says="When a key is created, who created it and its access.",
    words=_words,
)
