"""The email when a revoked, expired or deleted key is still being used."""

from ari.notifications.kinds import KINDS
from tests.support.notices import compose_sample, event

KIND = KINDS["dead_key_called"]


def test_it_reports_how_many_requests_and_from_where() -> None:
    """All of them were refused (promise 1), and the email says so."""
    content = compose_sample(KIND.name)
    facts = dict(content.facts)
    assert content.subject == "The revoked API key “Automation Script” is still being used"
    assert facts["Requests"] == "1,412 refused requests"
    assert facts["From"] == "203.0.113.9, 2001:db8::7"
    assert "refused" in content.summary


def test_an_expired_key_is_called_expired() -> None:
    """The word follows the reason of the refusal."""
    expired = event("dead_key_called", code="expired", count=1, addresses=[], since="2026-11-25T17:23:20.000Z")
    assert "expired API key" in compose_sample(KIND.name, expired).subject
