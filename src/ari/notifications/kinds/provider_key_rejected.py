"""A provider refuses the key that is kept for it."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    provider = words.quoted(str(event.detail.get("provider") or event.subject or "a provider"))
    status = event.detail.get("status")
    return Words(
        subject=f"{provider} rejects your provider key",
        happened="A provider refused the key that ARI keeps for it. Requests to it fail until there is another one.",
        facts=(
            ("Provider", provider),
            *((("Answer", f"HTTP status {words.broken(str(status))}"),) if status else ()),
            ("When", look.when(event.at_ms)),
        ),
        advice="Create a new key at the provider and put it in place of the old one.",
        place="/settings/integrations",
        button="See your integrations",
    )


KIND = Kind(
    name="provider_key_rejected",
    events=("provider_key_rejected",),
    title="Provider key rejected",
    says="When a provider refuses the key that is kept for it.",
    words=_words,
)
