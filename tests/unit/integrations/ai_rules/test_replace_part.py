"""A part of the rules for AI requests is replaced as a whole, in one event."""

import pytest

from ari.base.errors import Invalid
from ari.integrations.ai_rules.aliases import AliasRules
from ari.integrations.ai_rules.model import MAX_PART_BYTES, AiRules
from ari.integrations.ai_rules.replace_part import get_ai_rules, replace_part
from tests.unit.integrations.memory import MemoryIntegrationTransaction

FAST = AliasRules({"fast": ("openai/gpt-5-mini",)})


def test_a_change_is_stored_and_recorded_once(tx: MemoryIntegrationTransaction) -> None:
    """The same part again changes nothing."""
    for _ in range(2):
        replace_part(tx, "aliases", FAST, {"count": 1})
        assert get_ai_rules(tx) == AiRules(aliases=FAST)
    assert [(event.name, event.detail) for event in tx.events.all] == [("ai_aliases_changed", {"count": 1})]


def test_a_part_that_no_backup_could_hold_is_refused(tx: MemoryIntegrationTransaction) -> None:
    """With its size. One that was stored earlier may only shrink."""
    largest = AliasRules({"a": ("x" * (MAX_PART_BYTES - len('{"aliases":{"a":[""]}}')),)})
    replace_part(tx, "aliases", largest, {})
    longer, longest = (AliasRules({"a": (largest.aliases["a"][0] + "x" * more,)}) for more in (1, 2))
    with pytest.raises(Invalid, match="All aliases take 900,001 bytes as JSON, at most 900,000 fit"):
        replace_part(tx, "aliases", longer, {})
    assert get_ai_rules(tx) == AiRules(aliases=largest)
    tx.ai_rules.rules = AiRules(aliases=longest)
    replace_part(tx, "aliases", longer, {})
    with pytest.raises(Invalid, match="Shorten or remove some"):
        replace_part(tx, "aliases", longest, {})
