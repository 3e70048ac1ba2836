"""Aliases name known providers and plain models, and nothing that looks like a key."""

import pytest

from ari.base.errors import Invalid
from ari.integrations.ai_rules.aliases import MAX_ALIASES, AliasRules, find_routed_aliases, parse_aliases


def test_targets_keep_their_order() -> None:
    """A model may hold slashes, as those of OpenRouter do; a named upstream may be a provider."""
    rules = parse_aliases(
        {"fast": ["openrouter/openai/gpt-5-mini", "my-vllm/llama", "openrouter/openai/gpt-5-mini"]}, ["my-vllm"]
    )
    assert rules == AliasRules({"fast": ("openrouter/openai/gpt-5-mini", "my-vllm/llama")})
    assert rules.list_targets("fast") == [("openrouter", "openai/gpt-5-mini"), ("my-vllm", "llama")]
    assert ("fast" in rules, "slow" in rules) == (True, False)


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        ("", ["openai/x"]),
        ("a/b", ["openai/x"]),
        ("a b", ["openai/x"]),
        ("x" * 65, ["openai/x"]),
        ("fast", []),
        ("fast", [f"openai/{number}" for number in range(11)]),
        ("fast", ["gpt-5"]),
        ("fast", ["openai/"]),
        ("fast", ["openai/a b"]),
        ("fast", ["openai/" + "x" * 257]),
        ("fast", ["openai_compatible/gpt-5-mini,gpt-5-pro"]),
        ("fast", ["my-vllm/a,b"]),
        ("fast", ["my-vllm/openrouter/auto"]),
        ("fast", ["openai_compatible/model-router"]),
        ("fast", ["openrouter/openrouter/Auto"]),
        ("fast", ["openrouter/@preset/x"]),
        ("fast", ["openrouter/openai/gpt-5-mini@preset/x"]),
        ("fast", ["resend/x"]),
        ("fast", ["nosuchprovider/x"]),
        ("fast", ["No Provider/x"]),
        ("fast", ["openai/sk-proj-0123456789abcdefABCDEF0123456789abcdefABCDEF"]),
    ],
)
def test_a_wrong_alias_is_refused(name: str, targets: list[str]) -> None:
    """With the others that are wrong."""
    with pytest.raises(Invalid) as caught:
        parse_aliases({name: targets, "also wrong": []}, ["my-vllm"])
    assert [problem.location for problem in caught.value.problems] == ["aliases", "aliases"]


def test_too_many_aliases_are_refused() -> None:
    """They are in memory for each request."""
    with pytest.raises(Invalid):
        parse_aliases({f"a{number}": ["openai/x"] for number in range(MAX_ALIASES + 1)}, [])


def test_a_stored_alias_may_keep_a_model_that_routes() -> None:
    """It blocks no other alias, and is listed to be removed. Changed, it is refused as a new one is."""
    stored = {"any": ("my-vllm/openrouter/auto",)}
    rules = parse_aliases({"any": ["my-vllm/openrouter/auto"], "fast": ["openai/x"]}, ["my-vllm"], stored)
    assert find_routed_aliases(rules.aliases) == ["any"]
    with pytest.raises(Invalid, match="The alias any names a model that lets the provider choose another"):
        parse_aliases({"any": ["my-vllm/openrouter/auto", "openai/x"]}, ["my-vllm"], stored)
