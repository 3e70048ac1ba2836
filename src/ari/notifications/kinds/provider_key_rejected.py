"""A provider refuses the key that is kept for it."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    provider = words.broken(str(event.detail.get("provider") or event.subject or "a provider"))
    status = event.detail.get("status")
    return Words(
        subject=f"{provider} rejected your API key",
        happened=f"{provider} rejected the stored key. Requests will fail until you replace it.",
        facts=(
            ("Provider", provider),
            *((("Response", f"HTTP status {words.broken(str(status))}"),) if status else ()),
            ("When", look.when(event.at_ms)),
        ),
        advice="Create a new key at the provider and replace the old one.",
        place="/settings/integrations",
        button="View integrations",
    )


KIND = Kind(
    name="provider_key_rejected",
    events=("provider_key_rejected",),
    title="Provider key rejected",
    says="When a provider rejects its stored key.",
    words=_words,
)
