"""The email before an old secret that is still in use retires."""

from tests.support.notices import KEY_ID, compose_sample, event

KIND = "key_secret_retiring"


def test_it_says_which_secret_until_when_and_who_uses_it() -> None:
    """The prefix is the old secret's, and the link leads to the key."""
    content = compose_sample(KIND)
    facts = dict(content.facts)
    assert content.subject == "The old secret of “Automation Script” is still in use"
    assert facts["Retires"].startswith("Dec 2, 2026")
    assert "203" in facts["From"]
    assert content.path == f"/settings/keys/{KEY_ID}"


def test_without_addresses_in_the_log_there_are_none() -> None:
    """As with ``ARI_USAGE_ADDRESSES=none``."""
    assert "From" not in dict(compose_sample(KIND, event(KIND, retires_at="soon", last_used_at="then")).facts)
