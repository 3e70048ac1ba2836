"""The email with the link that confirms a new address."""

from ari.base.clock import MINUTE_MS
from ari.notifications.kinds import KINDS
from tests.support.notices import LINKS, SAMPLES, compose_sample, event

KIND = KINDS["email_change"]


def test_it_goes_to_the_new_address_with_the_link() -> None:
    """Only its owner can confirm it."""
    content = compose_sample(KIND.name)
    assert KIND.recipient(SAMPLES[KIND.name]) == "new@example.org"
    assert content.link == LINKS[KIND.name]["url"]
    assert KIND.expires_after_ms == 30 * MINUTE_MS


def test_without_an_address_it_goes_nowhere() -> None:
    """Never to the account's own address instead."""
    assert KIND.recipient(event("email_change_requested", "usr_1", "usr_1")) is None
