"""Aliases are replaced as a whole, in one event that names those that differ."""

import pytest

from ari.base.errors import Invalid
from ari.integrations.ai_rules.change_aliases import get_aliases, set_aliases
from ari.integrations.upstreams import Upstream
from tests.unit.integrations.memory import MemoryIntegrationTransaction


def test_the_event_names_what_differs(tx: MemoryIntegrationTransaction) -> None:
    """With the models before and after."""
    set_aliases(tx, {"a": ["openai/x"], "b": ["openai/y"]})
    assert set_aliases(tx, {"b": ["openai/z"], "c": ["groq/x"]}) == get_aliases(tx)
    assert get_aliases(tx) == {"b": ("openai/z",), "c": ("groq/x",)}
    before = {"a": ["openai/x"], "b": ["openai/y"]}
    assert tx.events.all[-1].detail == {"from": before, "to": {"b": ["openai/z"], "c": ["groq/x"]}, "count": 3}


def test_an_upstream_must_exist_when_an_alias_first_names_it(tx: MemoryIntegrationTransaction) -> None:
    """Else a misspelled provider would fail every request. One that is removed later blocks no other change."""
    with pytest.raises(Invalid, match="of an AI provider or a named upstream that exists"):
        set_aliases(tx, {"own": ["my-vllm/llama"]})
    tx.upstreams.save(Upstream("my-vllm", "My vLLM", 0, "usr_1"))
    set_aliases(tx, {"own": ["my-vllm/llama"]})
    tx.upstreams.remove("my-vllm")
    assert set_aliases(tx, {"own": ["my-vllm/llama"], "fast": ["openai/x"]}).keys() == {"own", "fast"}
