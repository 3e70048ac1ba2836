"""The email about a webhook that fails or was turned off."""

from ari.notifications.kinds import KINDS
from tests.support.notices import compose_sample, event

KIND = KINDS["webhook_failing"]


def test_it_names_the_webhook_and_the_error_but_no_path() -> None:
    """Of the URL only the host, as everywhere."""
    content = compose_sample(KIND.name)
    facts = dict(content.facts)
    assert content.subject == "The webhook “Ticket system” has failed for a day"
    assert facts["Last error"] == "The receiver returned status 500."
    assert content.path == "/settings/webhooks"


def test_what_someone_turned_off_is_no_news() -> None:
    """Only what ARI turned off is reported."""
    assert not KIND.applies(event("webhook_turned_off", "whk_1", reason="paused"))
    assert KIND.applies(event("webhook_turned_off", "whk_1", reason="gone"))
