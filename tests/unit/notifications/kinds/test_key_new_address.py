"""The email when a key is used from an IP address for the first time."""

from ari.notifications.kinds import KINDS
from tests.support.notices import compose_sample

KIND = KINDS["key_new_address"]


def test_it_names_the_address_and_when_it_was_first_seen() -> None:
    """The owner decides by the address whether the key has leaked."""
    content = compose_sample(KIND.name)
    facts = dict(content.facts)
    assert facts["New IP address"] == "198.51.100.23"
    assert facts["First seen"].startswith("Nov 25, 2026")
    assert "revoke the key" in content.advice
