"""The email about many refused attempts in a short time."""

from ari.notifications.kinds import KINDS
from tests.support.notices import KEY_ID, compose_sample, event

KIND = KINDS["refused_burst"]


def test_attempts_without_a_key_are_about_their_address() -> None:
    """They lead to the usage page, since there is no key to look at."""
    content = compose_sample(KIND.name)
    assert content.subject == "240 attempts from one IP address were refused"
    assert (content.path, dict(content.facts)["From"]) == ("/settings/usage", "203.0.113.9")


def test_attempts_with_a_key_are_about_the_key() -> None:
    """Anyone who guesses is one thing, a program with a wrong scope another."""
    with_key = event("refused_burst", count=30, minutes=1, addresses=["192.0.2.1"], codes=["insufficient_scope"])
    content = compose_sample(KIND.name, with_key)
    assert content.subject == "30 requests with the API key “Automation Script” were refused"
    assert content.path == f"/settings/keys/{KEY_ID}"


def test_the_number_of_addresses_decides_the_words() -> None:
    """None are known if there were too many."""
    several = event("refused_burst", None, count=9, minutes=5, addresses=["192.0.2.1", "192.0.2.2"])
    unknown = event("refused_burst", None, count=9, minutes=5)
    assert "from several IP addresses" in compose_sample(KIND.name, several).subject
    assert "without a valid key" in compose_sample(KIND.name, unknown).subject
    asked = compose_sample(
        KIND.name, event("refused_burst", None, count=9, minutes=5, addresses=[], verified_by=[KEY_ID])
    )
    assert dict(asked.facts)["Verified by"] == KEY_ID
