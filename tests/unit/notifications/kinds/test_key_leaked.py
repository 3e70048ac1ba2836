"""The email about a key that was reported as leaked."""

from ari.notifications.kinds import KINDS
from tests.support.notices import compose_sample, event

KIND = KINDS["key_leaked"]


def test_it_names_the_place_and_what_ari_did() -> None:
    """The URL is a stranger's text: quoted, and no link."""
    content = compose_sample(KIND.name)
    assert content.subject == "The API key “Automation Script” was reported as leaked"
    assert content.summary.endswith("ARI disabled it.")
    facts = dict(content.facts)
    assert facts["Found at"] == "“https[:]//git[.]example[.]com/app/config[.]env”"
    assert facts["Reported by"] == "“Nightly scan”"
    assert "then revoke" not in content.advice


def test_it_asks_to_revoke_a_key_that_still_works() -> None:
    """The default policy only notifies; without a place there is no empty line."""
    content = compose_sample(KIND.name, event("key_leaked", action="notify"))
    assert content.summary.endswith("It still works.")
    assert "then revoke this one" in content.advice
    assert not {"Found at", "Reported by", "Keys it created"} & set(dict(content.facts))
    assert compose_sample(KIND.name, event("key_leaked", action="revoke")).summary.endswith("ARI revoked it.")


def test_it_warns_about_keys_that_the_leaked_one_created() -> None:
    """A thief may have made them; they still work."""
    content = compose_sample(KIND.name, event("key_leaked", action="revoke", active_keys_made=2))
    assert dict(content.facts)["Keys it created"] == "2 active keys, not changed"
    assert content.advice.endswith("and the keys it created.")


def test_a_count_of_further_reports_is_no_email() -> None:
    """Repeating a report must not fill the inbox."""
    assert not KIND.applies(event("key_leaked", counted=12, since="2026-11-25T17:23:20.000Z"))
    assert KIND.applies(event("key_leaked", action="notify"))
