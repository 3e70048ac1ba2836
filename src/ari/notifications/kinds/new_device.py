"""Somebody signed in with a browser that was never seen before."""

from ari.base.events import Event
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    where = look.where(event)
    return Words(
        subject="New sign-in to ARI",
        happened="Someone signed in to your account from a new browser.",
        facts=(("When", look.when(event.at_ms)), *((("From", where),) if where else ())),
        advice="If this was you, no action is needed. If not, end that session and change your password now.",
        place="/settings/security",
        button="View your sessions",
    )


KIND = Kind(
    name="new_device",
    events=("signed_in",),
    title="Sign-in from a new device",
    says="When someone signs in to your account from a new browser.",
    words=_words,
    about_account=True,
    concerns=lambda event: event.detail.get("new_device") is True,
)
