"""The email with the link to set a new password."""

from ari.base.clock import MINUTE_MS
from ari.notifications.kinds import KINDS
from tests.support.notices import LINKS, compose_sample

KIND = KINDS["password_reset"]


def test_the_link_is_in_it_and_short_lived() -> None:
    """Promise 4: one-time links are short-lived, and the email says for how long."""
    content = compose_sample(KIND.name)
    assert content.link == LINKS[KIND.name]["url"]
    assert "30 minutes" in content.summary
    assert "once" in content.summary
    assert KIND.expires_after_ms == 30 * MINUTE_MS
