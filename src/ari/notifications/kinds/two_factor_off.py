"""Two-factor was turned off."""

from ari.base.events import Event
from ari.notifications import words
from ari.notifications.model import Context, Kind, Words


def _words(event: Event, look: Context) -> Words:
    return Words(
        subject="Two-factor is off for your ARI account",
        happened="Two-factor was turned off: from now on your password alone signs in.",
        facts=words.common_facts(event, look),
        advice="If it was not you, change your password at once and turn two-factor on again.",
        place="/settings/security",
        button="See your security settings",
    )


KIND = Kind(
    name="two_factor_off",
    events=("two_factor_disabled",),
    title="Two-factor turned off",
    says="When your account can be signed in to with the password alone again.",
    words=_words,
    about_account=True,
)
