"""The word to the old e-mail address: another one was asked for, or took its place."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    new = words.quoted(str(event.detail.get("email", "another")))
    if event.name == "email_changed":
        return Words(
            subject="Your ARI account has another e-mail address",
            happened="From now on the account signs in with the new address, and notifications go there. "
            "This is the last mail to the old one.",
            facts=(("New address", new), *words.common_facts(event, look)),
            advice="If it was not you, sign in with the new address and your password, or set the password at the "
            "command line: ari account reset-password, then ari account set-email.",
            place="/settings/security",
            button="See what happened to your account",
        )
    return Words(
        subject="Another e-mail address was asked for",
        happened="Somebody who is signed in and gave your password asked for another address of your ARI account. "
        "A link to confirm it went there; until it is followed nothing changes.",
        facts=(("New address", new), *words.common_facts(event, look)),
        advice="If it was not you, change your password at once: that also voids the link.",
        place="/settings/security",
        button="Change your password",
    )


def _recipient(event: Event) -> str | None:
    address = event.detail.get("old_email")
    return None if address is None else str(address)


KIND = Kind(
    name="email_changed",
    events=("email_change_requested", "email_changed"),
    title="Changed address, to the old one",
    says="When another e-mail address is asked for, and when it takes the place of the old one.",
    words=_words,
    fixed=True,
    recipient=_recipient,
)
