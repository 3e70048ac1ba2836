"""API keys of other systems were imported: one email for each import."""

from ari.base.events import Event
from ari.notifications import facts, text
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent


def _write(event: Event, context: NoticeContext) -> EmailContent:
    number = int(event.detail.get("imported", 0))
    schemes = dict(event.detail.get("schemes", {}))
    return EmailContent(
        subject=f"{text.count(number, 'API key')} imported",
        summary=f"{text.count(number, 'key')} of another system can now call ARI.",
        facts=(("System", text.join(sorted(schemes))), *facts.common_facts(event, context)),
        advice="If you didn't expect this, revoke the keys and review recent activity.",
        path="/settings?tab=api",
        button="View your keys",
    )


KIND = NoticeKind(
    name="keys_imported",
    events=("keys_imported",),
    title="API keys imported",
    description="When keys of another system are imported, how many and by whom.",
    write=_write,
)
