"""Someone signed in from a new browser."""

from ari.base.events import Event
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent


def _write(event: Event, context: NoticeContext) -> EmailContent:
    origin = context.describe_origin(event)
    return EmailContent(
        subject="New sign-in to ARI",
        summary="Someone signed in to your account from a new browser.",
        facts=(("When", context.format_time(event.at_ms)), *((("From", origin),) if origin else ())),
        advice="If this was you, no action is needed. If not, end that session and change your password now.",
        path="/settings/security",
        button="View your sessions",
    )


KIND = NoticeKind(
    name="new_device",
    events=("signed_in",),
    title="Sign-in from a new device",
    description="When someone signs in to your account from a new browser.",
    write=_write,
    about_account=True,
    applies=lambda event: event.detail.get("new_device") is True,
)
