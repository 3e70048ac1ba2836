"""The JSON of an integration."""

from dataclasses import replace

from ari.base.master_key import MasterKeys
from ari.integrations import commands, pool
from ari.integrations.credentials import state
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.facts import describe_unused_keys, integration_facts, provider_key_facts
from ari.integrations.key_rests import KeyRest
from ari.integrations.providers import get_provider
from tests.unit.integrations.memory import MemoryIntegrationTransaction

OPENAI, NOTHING = get_provider("openai"), ProviderEnvironment()
STORED = "sk-proj-0123456789abcdefABCDEF"
NOW = 1_764_000_000_000


def test_the_facts_are_those_of_the_interface(tx: MemoryIntegrationTransaction, keys: MasterKeys) -> None:
    """Every door shows these and no key."""
    commands.put_key(tx, OPENAI, NOTHING, STORED)
    facts = integration_facts(state(tx, OPENAI, NOTHING), NOW)
    assert list(facts) == [
        "provider",
        "title",
        "state",
        "source",
        "mask",
        "base_url",
        "added_at",
        "added_by",
        "last_used_at",
        "last_tested_at",
        "last_test",
        "failing_since",
        "failing_reason",
        "key_choice",
        "keys",
    ]
    assert facts["added_at"] == facts["last_used_at"] == "2025-11-24T16:00:00.000Z"
    assert STORED not in str(facts)


def test_keys_that_are_not_used_are_counted() -> None:
    """A rejected key stays rejected while it rests; a single key is described by the provider's own state."""
    assert describe_unused_keys([{"state": "rejected"}, {"state": "working"}]) == "1 of 2 keys rejected"
    assert describe_unused_keys([{"state": "resting"}, {"state": "working"}]) == "1 of 2 keys resting"
    many = [{"state": state} for state in ("rejected", "resting", "rejected", "working")]
    assert describe_unused_keys(many) == "2 of 4 keys rejected, 1 resting"
    assert describe_unused_keys([{"state": "rejected"}]) == describe_unused_keys([{"state": "working"}] * 2) == ""


def test_a_key_rests_until_a_time(tx: MemoryIntegrationTransaction) -> None:
    """As this process knows it."""
    key = pool.add_key(tx, OPENAI, NOTHING, STORED)
    rest = KeyRest(NOW, ("gpt-5-pro",))
    facts = provider_key_facts(key, rest)
    assert (facts["state"], facts["rests_until"]) == ("resting", "2025-11-24T16:00:00.000Z")
    assert facts["rests_for"] == ["gpt-5-pro"]
    refused = provider_key_facts(replace(key, failing_since_ms=NOW), rest)
    assert (refused["state"], refused["rests_until"], refused["rests_for"]) == ("rejected", None, [])
