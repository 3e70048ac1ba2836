"""The email about a key that was given more access."""

from typing import Any

from ari.notifications.kinds import KINDS
from tests.support.notices import SAMPLES, compose_sample, event

KIND = KINDS["key_widened"]


def test_it_shows_the_scopes_before_and_now() -> None:
    """And who added them."""
    facts = dict(compose_sample(KIND.name).facts)
    assert (facts["Before"], facts["Now"]) == ("api:read", "api:read, keys:write")
    assert facts["By"] == "“alice” on the command line"


def test_fewer_scopes_are_no_reason_for_an_email() -> None:
    """Only more access is a risk."""
    assert KIND.applies(SAMPLES[KIND.name])
    narrowed: dict[str, Any] = {"from": ["*"], "to": ["api:read"]}
    assert not KIND.applies(event("key_scopes_changed", **narrowed))
