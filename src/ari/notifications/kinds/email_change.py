"""The link that confirms another e-mail address; it goes to the new address."""

from ari.base.clock import MINUTE_MS
from ari.base.events import Event
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    where = look.where(event)
    return Words(
        subject="Confirm your new email address for ARI",
        happened="Someone asked to use this address for an ARI account. Confirm it within 30 minutes using the link "
        "below.",
        facts=(("When", look.when(event.at_ms)), *((("From", where),) if where else ())),
        advice="If this wasn't you, ignore this email. The account keeps its current address.",
        place="/sign-in",
        button="Confirm your email address",
        link=look.secret.get("url"),
    )


def _recipient(event: Event) -> str | None:
    address = event.detail.get("email")
    return None if address is None else str(address)


KIND = Kind(
    name="email_change",
    events=("email_change_requested",),
    title="Email address confirmation",
    says="The link to confirm a new email address, sent to that address.",
    words=_words,
    fixed=True,
    secret=True,
    worth_ms=30 * MINUTE_MS,
    recipient=_recipient,
)
