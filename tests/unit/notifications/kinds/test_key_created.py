"""The email about a new key."""

from ari.notifications.kinds import KINDS
from tests.support.notices import compose_sample, event

KIND = KINDS["key_created"]


def test_it_shows_what_the_key_may_do_and_who_created_it() -> None:
    """The owner must recognize an intruder's key."""
    facts = dict(compose_sample(KIND.name).facts)
    assert facts["Access"] == "api:read, keys:read"
    assert facts["By"] == "The owner, signed in"
    assert facts["From"] == "203.0.113.9, Firefox on Linux"
    assert facts["Expires"].startswith("Dec 2, 2026")


def test_a_key_without_expiry_says_never() -> None:
    """An absent line could be taken for an omission."""
    forever = event("key_created", actor="usr_1", scopes=["*"], expires_at=None, name="x", hint="ari_k_…")
    assert dict(compose_sample(KIND.name, forever).facts)["Expires"].lower() == "never"
