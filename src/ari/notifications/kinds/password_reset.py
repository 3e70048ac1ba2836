"""The link that resets a forgotten password."""

from ari.base.clock import MINUTE_MS
from ari.base.events import Event
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent


def _write(event: Event, context: NoticeContext) -> EmailContent:
    origin = context.describe_origin(event)
    return EmailContent(
        subject="Reset your ARI password",
        summary="Someone requested a password reset for your ARI account. Use the link below within 30 minutes; it "
        "can be used once.",
        facts=(("When", context.format_time(event.at_ms)), *((("From", origin),) if origin else ())),
        advice="If this wasn't you, ignore this email. Your password won't change.",
        path="/sign-in",
        button="Set a new password",
        link=context.secret.get("url"),
    )


KIND = NoticeKind(
    name="password_reset",
    events=("password_reset_requested",),
    title="Password reset",
    description="The link to set a new password, when someone requests it.",
    write=_write,
    fixed=True,
    secret=True,
    expires_after_ms=30 * MINUTE_MS,
)
