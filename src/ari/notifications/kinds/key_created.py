"""An API key was created."""

from ari.base.events import Event
from ari.notifications import facts, text
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent


def _write(event: Event, context: NoticeContext) -> EmailContent:
    return EmailContent(
        subject=f"The API key {facts.key_name(event, context)} was created",
        summary="A new API key can now call ARI.",
        facts=(
            facts.key_fact(event, context),
            ("Access", text.join(event.detail.get("scopes", ()))),
            ("Expires", facts.format_time(event.detail.get("expires_at"), context)),
            *facts.common_facts(event, context),
        ),
        advice="If you didn't expect this, revoke the key and review recent activity.",
        path=facts.key_path(event),
        button="View key",
    )


KIND = NoticeKind(
    name="key_created",
    events=("key_created",),
    title="API key created",
    description="When a key is created, who created it and its access.",
    write=_write,
)
