"""Somebody signed in with a browser that was never seen before."""

from ari.base.events import Event
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    where = look.where(event)
    return Words(
        subject="New sign-in to your ARI",
        happened="Somebody signed in to your account with a browser that had not been used for it before.",
        facts=(("When", look.when(event.at_ms)), *((("From", where),) if where else ())),
        advice="If it was you, there is nothing to do. If not, end that session and change your password at once.",
        place="/settings/security",
        button="See your sessions",
    )


KIND = Kind(
    name="new_device",
    events=("signed_in",),
    title="Sign-in from a new device",
    says="When your account is used in a browser that it was not used in before.",
    words=_words,
    about_account=True,
    concerns=lambda event: event.detail.get("new_device") is True,
)
