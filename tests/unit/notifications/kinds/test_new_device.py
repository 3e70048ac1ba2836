"""The email about a sign-in with a new browser."""

from ari.notifications.kinds import KINDS
from tests.support.notices import SAMPLES, compose_sample, event

KIND = KINDS["new_device"]


def test_it_shows_the_browser_and_the_address() -> None:
    """Enough to recognize one's own device."""
    content = compose_sample(KIND.name)
    assert dict(content.facts)["From"] == "203.0.113.9, Firefox on Linux"
    assert content.path == "/settings/security"


def test_a_known_browser_causes_no_email() -> None:
    """Otherwise every sign-in would."""
    assert KIND.applies(SAMPLES[KIND.name])
    assert not KIND.applies(event("signed_in", "usr_1", "usr_1", new_device=False))
