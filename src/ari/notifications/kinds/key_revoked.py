"""An API key was revoked."""

from ari.base.events import Event
from ari.notifications import facts, text
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent


def _write(event: Event, context: NoticeContext) -> EmailContent:
    reason = event.detail.get("reason")
    return EmailContent(
        subject=f"The API key {facts.key_name(event, context)} was revoked",
        summary=_summarize(event),
        facts=(
            facts.key_fact(event, context),
            *((("Reason", text.quote(str(reason))),) if reason else ()),
            *facts.common_facts(event, context),
        ),
        advice="Anything that used it needs a new key. If you didn't expect this, someone else may have access: sign "
        "out everywhere and review keys with keys:write.",
        path=facts.key_path(event),
        button="View key",
    )


def _summarize(event: Event) -> str:
    if event.actor == event.subject:
        return "A holder of this API key revoked it. Requests with it are now refused."
    return "An API key was permanently revoked. Requests with it are now refused."


KIND = NoticeKind(
    name="key_revoked",
    events=("key_revoked",),
    title="API key revoked",
    description="When a key is revoked, who revoked it and why.",
    write=_write,
)
