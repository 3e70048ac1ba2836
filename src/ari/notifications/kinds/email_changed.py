"""A warning to the old email address about a requested or completed change."""

from ari.base.events import Event
from ari.notifications import facts, text
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent


def _write(event: Event, context: NoticeContext) -> EmailContent:
    new = text.quote(str(event.detail.get("email", "another")))
    if event.name == "email_changed":
        return EmailContent(
            subject="The email address of your ARI account was changed",
            summary="You now sign in with the new address, and notifications go to it. This is the last email to the "
            "old address.",
            facts=(("New address", new), *facts.common_facts(event, context)),
            advice="If this wasn't you, sign in with the new address and your password and change it back, or run "
            "ari account reset-password and then ari account set-email on the server.",
            path="/settings/security",
            button="View account activity",
        )
    return EmailContent(
        subject="A change of email address was requested",
        summary="Someone who is signed in and entered your password requested a different address for your ARI "
        "account. We sent a confirmation link there; nothing changes until it is used.",
        facts=(("New address", new), *facts.common_facts(event, context)),
        advice="If this wasn't you, change your password now. That also invalidates the link.",
        path="/settings/security",
        button="Change your password",
    )


def _recipient(event: Event) -> str | None:
    address = event.detail.get("old_email")
    return None if address is None else str(address)


KIND = NoticeKind(
    name="email_changed",
    events=("email_change_requested", "email_changed"),
    title="Email address changed",
    description="When a new email address is requested, and when it replaces the old one; sent to the old address.",
    write=_write,
    fixed=True,
    recipient=_recipient,
)
