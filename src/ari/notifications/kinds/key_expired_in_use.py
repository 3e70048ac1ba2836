"""An API key expired while still in use."""

from ari.base.events import Event
from ari.notifications import facts
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent


def _write(event: Event, context: NoticeContext) -> EmailContent:
    return EmailContent(
        subject=f"The API key {facts.key_name(event, context)} expired while in use",
        summary="An API key expired while still in use. Requests with it are now refused.",
        facts=(
            facts.key_fact(event, context),
            ("Expired", facts.format_time(event.detail.get("expires_at"), context, "a while ago")),
            *facts.request_facts(event, context),
        ),
        advice="Expired keys can't be restored. Create a new key and switch to it.",
        path=facts.key_path(event),
        button="View key usage",
    )


KIND = NoticeKind(
    name="key_expired_in_use",
    events=("key_expired_in_use",),
    title="API key expired while in use",
    description="When a key expires that was used in the days before.",
    write=_write,
)
