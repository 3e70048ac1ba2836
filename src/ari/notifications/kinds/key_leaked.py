"""An API key that worked was reported as leaked."""

from ari.base.events import Event
from ari.notifications import facts, text
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent

_DONE = {"revoke": "ARI revoked it.", "disable": "ARI disabled it."}


def _write(event: Event, context: NoticeContext) -> EmailContent:
    detail, done = event.detail, _DONE.get(str(event.detail.get("action")))
    made = int(detail.get("active_keys_made", 0))
    return EmailContent(
        subject=f"The API key {facts.key_name(event, context)} was reported as leaked",
        summary=f"Someone found this API key where others can read it. {done or 'It still works.'}",
        facts=(
            facts.key_fact(event, context),
            *((("Found at", text.quote(str(detail["url"]))),) if detail.get("url") else ()),
            *((("Reported by", text.quote(str(detail["source"]))),) if detail.get("source") else ()),
            *((("Keys it created", f"{text.count(made, 'active key')}, not changed"),) if made else ()),
            *facts.common_facts(event, context),
        ),
        advice=(
            "Create a new key for its program" if done else "Create a new key for its program, then revoke this one"
        )
        + ". Check its requests for IP addresses you don't recognize"
        + (", and the keys it created." if made else "."),
        path=facts.key_path(event),
        button="View key",
    )


KIND = NoticeKind(
    name="key_leaked",
    events=("key_leaked",),
    title="API key leaked",
    description="When someone reports that an active key leaked, and where.",
    write=_write,
    applies=lambda event: "counted" not in event.detail,
)
