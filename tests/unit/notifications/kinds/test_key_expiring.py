"""The email before a key in use expires."""

from ari.base.clock import DAY_MS, HOUR_MS, to_rfc3339
from ari.notifications.kinds import KINDS
from tests.support.notices import AT_MS, KEY_ID, compose_sample, event

KIND = KINDS["key_expiring"]


def test_it_says_how_long_the_key_still_works() -> None:
    """Days are rounded up, so an email on a Friday about a Monday does not say 2."""
    soon = event("key_expiring", days=1, expires_at=to_rfc3339(AT_MS + DAY_MS - HOUR_MS))
    weekend = event("key_expiring", days=1, expires_at=to_rfc3339(AT_MS + 2 * DAY_MS + HOUR_MS))
    assert compose_sample(KIND.name).subject == "The API key “Automation Script” expires in 7 days"
    assert compose_sample(KIND.name, soon).subject.endswith("expires within a day")
    assert compose_sample(KIND.name, weekend).subject.endswith("expires in 3 days")


def test_it_shows_the_time_and_leads_to_the_key() -> None:
    """The owner sees which key, until when, and where to act."""
    content = compose_sample(KIND.name)
    assert dict(content.facts)["Expires"].startswith("Dec 2, 2026")
    assert content.path == f"/settings/keys/{KEY_ID}"
