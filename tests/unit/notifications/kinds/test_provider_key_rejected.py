"""The email when a provider rejects its stored key."""

from ari.notifications.kinds import KINDS
from tests.support.notices import compose_sample

KIND = KINDS["provider_key_rejected"]


def test_it_names_the_provider_and_the_status_but_never_its_message() -> None:
    """A provider's message may quote the key (promise 4)."""
    content = compose_sample(KIND.name)
    facts = dict(content.facts)
    assert content.subject == "OpenAI rejected your API key"
    assert (facts["Provider"], facts["Response"]) == ("OpenAI", "HTTP status 401")
    assert set(facts) == {"Provider", "Response", "When"}
    assert content.path == "/settings/integrations"
