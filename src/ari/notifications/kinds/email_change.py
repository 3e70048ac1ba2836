"""The link that confirms a new email address, sent to that address."""

from ari.base.clock import MINUTE_MS
from ari.base.events import Event
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent


def _write(event: Event, context: NoticeContext) -> EmailContent:
    origin = context.describe_origin(event)
    return EmailContent(
        subject="Confirm your new email address for ARI",
        summary="Someone asked to use this address for an ARI account. Confirm it within 30 minutes using the link "
        "below.",
        facts=(("When", context.format_time(event.at_ms)), *((("From", origin),) if origin else ())),
        advice="If this wasn't you, ignore this email. The account keeps its current address.",
        path="/sign-in",
        button="Confirm your email address",
        link=context.secret.get("url"),
    )


def _recipient(event: Event) -> str | None:
    address = event.detail.get("email")
    return None if address is None else str(address)


KIND = NoticeKind(
    name="email_change",
    events=("email_change_requested",),
    title="Email address confirmation",
    description="The link to confirm a new email address, sent to that address.",
    write=_write,
    fixed=True,
    secret=True,
    expires_after_ms=30 * MINUTE_MS,
    recipient=_recipient,
)
