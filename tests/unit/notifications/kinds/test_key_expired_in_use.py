"""The email when a key expires while it is in use."""

from ari.notifications.kinds import KINDS
from tests.support.notices import compose_sample

KIND = KINDS["key_expired_in_use"]


def test_it_reports_the_refused_requests_and_their_origin() -> None:
    """Something stopped working; the addresses show what."""
    content = compose_sample(KIND.name)
    facts = dict(content.facts)
    assert content.subject == "The API key “Automation Script” expired while in use"
    assert (facts["Requests"], facts["From"]) == ("31 refused requests", "203.0.113.9")
    assert "Create a new key" in content.advice
