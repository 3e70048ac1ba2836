"""Aliases are replaced as a whole, in one event that names those that differ."""

from ari.integrations.ai_rules.change_aliases import get_aliases, set_aliases
from tests.unit.integrations.memory import MemoryIntegrationTransaction


def test_the_event_names_what_differs(tx: MemoryIntegrationTransaction) -> None:
    """A removed alias has no models."""
    set_aliases(tx, {"a": ["openai/x"], "b": ["openai/y"]})
    assert set_aliases(tx, {"b": ["openai/z"], "c": ["groq/x"]}) == get_aliases(tx)
    assert get_aliases(tx) == {"b": ("openai/z",), "c": ("groq/x",)}
    changed = {"a": [], "b": ["openai/z"], "c": ["groq/x"]}
    assert tx.events.all[-1].detail == {"changed": changed, "count": 3}
