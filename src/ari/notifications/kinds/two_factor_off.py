"""Two-factor was turned off."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    return Words(
        subject="Two-factor authentication was turned off",
        happened="Two-factor authentication was turned off. Your password alone now signs you in.",
        facts=words.common_facts(event, look),
        advice="If this wasn't you, change your password now and turn two-factor authentication back on.",
        place="/settings/security",
        button="View security settings",
    )


KIND = Kind(
    name="two_factor_off",
    events=("two_factor_disabled",),
    title="Two-factor authentication turned off",
    says="When two-factor authentication is turned off for your account.",
    words=_words,
    about_account=True,
)
