"""A provider rejected its stored key."""

from ari.base.events import Event
from ari.notifications import text
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent


def _write(event: Event, context: NoticeContext) -> EmailContent:
    provider = text.defang(str(event.detail.get("provider") or event.subject or "a provider"))
    status = event.detail.get("status")
    return EmailContent(
        subject=f"{provider} rejected your API key",
        summary=f"{provider} rejected the stored key. Requests will fail until you replace it.",
        facts=(
            ("Provider", provider),
            *((("Response", f"HTTP status {text.defang(str(status))}"),) if status else ()),
            ("When", context.format_time(event.at_ms)),
        ),
        advice="Create a new key at the provider and replace the old one.",
        path="/settings/integrations",
        button="View integrations",
    )


KIND = NoticeKind(
    name="provider_key_rejected",
    events=("provider_key_rejected",),
    title="Provider key rejected",
    description="When a provider rejects its stored key.",
    write=_write,
)
