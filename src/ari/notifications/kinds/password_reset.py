"""The link that sets a password anew, for who forgot it."""

from ari.base.clock import MINUTE_MS
from ari.base.events import Event
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    where = look.where(event)
    return Words(
        subject="Reset your ARI password",
        happened="Someone requested a password reset for your ARI account. Use the link below within 30 minutes; it "
        "can be used once.",
        facts=(("When", look.when(event.at_ms)), *((("From", where),) if where else ())),
        advice="If this wasn't you, ignore this email. Your password won't change.",
        place="/sign-in",
        button="Set a new password",
        link=look.secret.get("url"),
    )


KIND = Kind(
    name="password_reset",
    events=("password_reset_requested",),
    title="Password reset",
    says="The link to set a new password, when someone requests it.",
    words=_words,
    fixed=True,
    secret=True,
    worth_ms=30 * MINUTE_MS,
)
