"""The email about a revoked key."""

from ari.notifications.kinds import KINDS
from tests.support.notices import compose_sample, event

KIND = KINDS["key_revoked"]


def test_it_quotes_the_reason_and_says_that_the_key_is_dead() -> None:
    """Promise 1: requests with it are refused from now on."""
    content = compose_sample(KIND.name)
    assert content.subject == "The API key “Automation Script” was revoked"
    assert dict(content.facts)["Reason"] == "“Committed to git”"
    assert "permanently" in content.summary


def test_without_a_reason_there_is_no_such_line() -> None:
    """An empty quotation would look like an error."""
    assert "Reason" not in dict(compose_sample(KIND.name, event("key_revoked", actor="usr_1")).facts)


def test_a_holder_that_revoked_its_own_key_is_named() -> None:
    """The owner learns that a holder thought it necessary."""
    own = compose_sample(KIND.name, event("key_revoked", subject="key_1", actor="key_1"))
    assert "A holder of this API key revoked it" in own.summary
