"""The word to the old e-mail address: another one was asked for, or took its place."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    new = words.quoted(str(event.detail.get("email", "another")))
    if event.name == "email_changed":
        return Words(
            subject="The email address of your ARI account was changed",
            happened="You now sign in with the new address, and notifications go to it. This is the last email to the "
            "old address.",
            facts=(("New address", new), *words.common_facts(event, look)),
            advice="If this wasn't you, sign in with the new address and your password and change it back, or run "
            "ari account reset-password and then ari account set-email on the server.",
            place="/settings/security",
            button="View account activity",
        )
    return Words(
        subject="A change of email address was requested",
        happened="Someone who is signed in and entered your password requested a different address for your ARI "
        "account. We sent a confirmation link there; nothing changes until it is used.",
        facts=(("New address", new), *words.common_facts(event, look)),
        advice="If this wasn't you, change your password now. That also invalidates the link.",
        place="/settings/security",
        button="Change your password",
    )


def _recipient(event: Event) -> str | None:
    address = event.detail.get("old_email")
    return None if address is None else str(address)


KIND = Kind(
    name="email_changed",
    events=("email_change_requested", "email_changed"),
    title="Email address changed",
    says="When a new email address is requested, and when it replaces the old one; sent to the old address.",
    words=_words,
    fixed=True,
    recipient=_recipient,
)
