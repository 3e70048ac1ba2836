"""The email to the old address after the address was changed."""

from ari.notifications.kinds import KINDS
from tests.support.notices import compose_sample, event

KIND = KINDS["email_changed"]


def test_it_goes_to_the_old_address_and_says_how_to_undo_it() -> None:
    """An owner who lost the account reads it there, and needs a way that works without the new inbox."""
    changed = event("email_changed", "usr_1", "usr_1", email="new@example.org", old_email="old@example.com")
    assert KIND.recipient(changed) == "old@example.com"
    assert "ari account set-email" in compose_sample(KIND.name).advice


def test_the_new_address_is_no_link() -> None:
    """A stranger's text must not become a link."""
    assert dict(compose_sample(KIND.name).facts)["New address"] == "“new[at]example[.]org”"
