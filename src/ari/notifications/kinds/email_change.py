"""The link that confirms another e-mail address; it goes to the new address."""

from ari.base.clock import MINUTE_MS
from ari.base.events import Event
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    where = look.where(event)
    return Words(
        subject="Confirm your new address for ARI",
        happened="Somebody asked to use this address for an ARI account. The link below confirms it: it works once, "
        "for 30 minutes.",
        facts=(("When", look.when(event.at_ms)), *((("From", where),) if where else ())),
        advice="If it was not you, do nothing: the account keeps its address.",
        place="/sign-in",
        button="Confirm the address",
        link=look.secret.get("url"),
    )


def _recipient(event: Event) -> str | None:
    address = event.detail.get("email")
    return None if address is None else str(address)


KIND = Kind(
    name="email_change",
    events=("email_change_requested",),
    title="Changed address",
    says="The link to confirm another e-mail address, sent to that address.",
    words=_words,
    fixed=True,
    secret=True,
    worth_ms=30 * MINUTE_MS,
    recipient=_recipient,
)
