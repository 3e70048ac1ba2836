"""The JSON of an integration."""

from ari.base.master_key import MasterKeys
from ari.integrations import commands
from ari.integrations.credentials import state
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.facts import integration_facts
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
