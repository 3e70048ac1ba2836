"""The email about an import of keys."""

from ari.notifications.kinds import KINDS
from tests.support.notices import compose_sample

KIND = KINDS["keys_imported"]


def test_it_says_how_many_and_who_imported_them() -> None:
    """The owner must recognize an intruder's keys; one email, however many there are."""
    content = compose_sample(KIND.name)
    facts = dict(content.facts)
    assert content.subject == "499 API keys imported"
    assert facts["System"] == "better-auth, litellm"
    assert facts["By"] == "The owner, signed in"
