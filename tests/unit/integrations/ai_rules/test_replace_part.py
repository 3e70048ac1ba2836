"""A part of the rules for AI requests is replaced as a whole, in one event."""

from ari.integrations.ai_rules.aliases import AliasRules
from ari.integrations.ai_rules.model import AiRules
from ari.integrations.ai_rules.replace_part import get_ai_rules, replace_part
from tests.unit.integrations.memory import MemoryIntegrationTransaction

FAST = AliasRules({"fast": ("openai/gpt-5-mini",)})


def test_a_change_is_stored_and_recorded_once(tx: MemoryIntegrationTransaction) -> None:
    """The same part again changes nothing."""
    for _ in range(2):
        replace_part(tx, "aliases", FAST, {"count": 1})
        assert get_ai_rules(tx) == AiRules(aliases=FAST)
    assert [(event.name, event.detail) for event in tx.events.all] == [("ai_aliases_changed", {"count": 1})]
