"""Two-factor authentication was turned off."""

from ari.base.events import Event
from ari.notifications import facts
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.model import EmailContent


def _write(event: Event, context: NoticeContext) -> EmailContent:
    return EmailContent(
        subject="Two-factor authentication was turned off",
        summary="Two-factor authentication was turned off. Your password alone now signs you in.",
        facts=facts.common_facts(event, context),
        advice="If this wasn't you, change your password now and turn two-factor authentication back on.",
        path="/settings/security",
        button="View security settings",
    )


KIND = NoticeKind(
    name="two_factor_off",
    events=("two_factor_disabled",),
    title="Two-factor authentication turned off",
    description="When two-factor authentication is turned off for your account.",
    write=_write,
    about_account=True,
)
