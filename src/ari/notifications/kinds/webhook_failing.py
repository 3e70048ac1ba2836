"""A webhook fails, or ARI turned it off."""

from ari.base.events import Event
from ari.notifications import text
from ari.notifications.context import NoticeContext
from ari.notifications.facts import format_time
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent

_REASONS = {
    "gone": "Its receiver returned 410 Gone, which means that it wants no more events.",
    "failing": "Every delivery failed for five days.",
    "key_ended": "The API key that set its URL was revoked, rotated or lost its scopes.",
}


def _write(event: Event, context: NoticeContext) -> EmailContent:
    name = text.quote(str(event.detail.get("name") or event.subject or "unknown"))
    is_off = event.name == "webhook_turned_off"
    error, since = event.detail.get("error"), event.detail.get("since")
    summary = _REASONS.get(str(event.detail.get("reason")), "ARI turned it off.") if is_off else _FAILING
    return EmailContent(
        subject=f"The webhook {name} {'was turned off' if is_off else 'has failed for a day'}",
        summary=summary,
        facts=(
            ("Webhook", name),
            ("URL", text.defang(str(event.detail.get("url") or "unknown"))),
            *((("Last error", text.defang(str(error), 200)),) if error else ()),
            *((("Failing since", format_time(since, context)),) if since else ()),
            ("When", context.format_time(event.at_ms)),
        ),
        advice=_OFF_ADVICE if is_off else _FAILING_ADVICE,
        path="/settings/webhooks",
        button="View webhooks",
    )


_FAILING = "Deliveries are retried for a day and then given up. The first of them have been."
_FAILING_ADVICE = "Fix the receiver, test the webhook, then replay what failed. After five days ARI turns it off."
_OFF_ADVICE = "Turn it on again when the receiver works. Events until then aren't sent; the audit log has them."

KIND = NoticeKind(
    name="webhook_failing",
    events=("webhook_failing", "webhook_turned_off"),
    title="Webhook fails",
    description="When a webhook has failed for a day, and when ARI turns one off.",
    write=_write,
    applies=lambda event: event.detail.get("reason") != "paused",
)
