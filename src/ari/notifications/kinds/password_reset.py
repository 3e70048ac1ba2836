"""The link that sets a password anew, for who forgot it."""

from ari.base.clock import MINUTE_MS
from ari.base.events import Event
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    where = look.where(event)
    return Words(
        subject="Set your ARI password anew",
        happened="Somebody asked to set the password of your ARI account anew. The link below does it: it works once, "
        "for 30 minutes, and a newer one takes its place.",
        facts=(("When", look.when(event.at_ms)), *((("From", where),) if where else ())),
        advice="If it was not you, do nothing: your password stays as it is.",
        place="/sign-in",
        button="Set a new password",
        link=look.secret.get("url"),
    )


KIND = Kind(
    name="password_reset",
    events=("password_reset_requested",),
    title="Password reset",
    says="The link to set a password anew, when somebody asks for it.",
    words=_words,
    fixed=True,
    secret=True,
    worth_ms=30 * MINUTE_MS,
)
