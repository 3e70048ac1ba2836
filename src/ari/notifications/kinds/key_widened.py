"""An API key was given more access."""

from ari.base.events import Event
from ari.notifications import facts, text
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent


def _write(event: Event, context: NoticeContext) -> EmailContent:
    return EmailContent(
        subject=f"{facts.key_name(event, context)} was given more access",
        summary="An API key was given additional scopes.",
        facts=(
            facts.key_fact(event, context),
            ("Before", text.join(event.detail.get("from", ()))),
            ("Now", text.join(event.detail.get("to", ()))),
            *facts.common_facts(event, context),
        ),
        advice="If you didn't expect this, remove the scopes or revoke the key, and sign out everywhere.",
        path=facts.key_path(event),
        button="View key",
    )


KIND = NoticeKind(
    name="key_widened",
    events=("key_scopes_changed",),
    title="API key given more access",
    description="When scopes are added to a key.",
    write=_write,
    applies=lambda event: bool(event.detail.get("widened")),
)
