"""A revoked or expired API key is still being used."""

from ari.base.events import Event
from ari.notifications import facts
from ari.notifications.context import NoticeContext
from ari.notifications.kind import MAX_PER_DAY_FROM_STRANGERS, NoticeKind
from ari.notifications.model import EmailContent


def _write(event: Event, context: NoticeContext) -> EmailContent:
    state = {"revoked": "revoked", "expired": "expired"}.get(str(event.detail.get("code")), "inactive")
    return EmailContent(
        subject=f"The {state} API key {facts.key_name(event, context)} is still being used",
        summary=f"This API key is {state} but still being used. All of these requests were refused.",
        facts=(facts.key_fact(event, context), *facts.request_facts(event, context)),
        advice="Find what is running at these IP addresses and give it a new key. If you don't recognize them, the key "
        f"has leaked; since it's {state}, it can do no harm.",
        path=facts.key_path(event),
        button="View refused requests",
    )


KIND = NoticeKind(
    name="dead_key_called",
    events=("dead_key_called",),
    title="Inactive API key still used",
    description="When a revoked or expired key is still being used, and from which IP addresses.",
    write=_write,
    max_per_day=MAX_PER_DAY_FROM_STRANGERS,
)
