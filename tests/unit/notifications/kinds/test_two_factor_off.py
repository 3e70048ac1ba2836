"""The email when two-factor authentication is turned off."""

from ari.notifications.kinds import KINDS
from tests.support.notices import compose_sample

KIND = KINDS["two_factor_off"]


def test_it_says_that_the_password_alone_suffices_now() -> None:
    """And who turned it off, from where."""
    content = compose_sample(KIND.name)
    facts = dict(content.facts)
    assert "password alone" in content.summary
    assert (facts["By"], facts["From"]) == ("The owner, signed in", "203.0.113.9, Firefox on Linux")
    assert KIND.about_account
