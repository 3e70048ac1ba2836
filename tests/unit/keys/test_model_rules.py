"""Allowed and denied models: deny wins and cannot be evaded by another spelling of the same model."""

import itertools
import random
import time

import pytest

from ari.base.errors import Invalid
from ari.keys.model_rules import MAX_MODEL_LENGTH, MAX_PATTERNS, ModelRules, covers_models, parse_model_rules

SOME = ModelRules(allow=("openai/gpt-5*", "claude-*"), deny=("openai/gpt-5-pro*",))


@pytest.mark.parametrize(
    ("provider", "model", "allowed"),
    [
        ("openai", "gpt-5-mini", True),
        ("openai", "GPT-5-mini", True),
        ("openai", "gpt-5-pro", False),
        ("openai", "Gpt-5-Pro-2025", False),
        ("openai", "gpt-4o", False),
        ("groq", "gpt-5-mini", False),
        ("anthropic", "claude-haiku-4-5", True),
        ("openrouter", "openai/gpt-5-mini", False),
        ("openai", "x" * 10_000, False),
        ("openai", "", False),
    ],
)
def test_allow_and_deny(provider: str, model: str, allowed: bool) -> None:
    """A pattern without a slash is for all providers; deny wins; case doesn't count."""
    assert SOME.allows(provider, model) is allowed


@pytest.mark.parametrize(
    "model",
    [
        "secret",
        "SECRET",
        "secret:latest",
        "secret:8b",
        "library/secret",
        "registry.ollama.ai/library/secret:latest",
        " secret",
        "secret ",
        "secret\n",
        "secret\0",
        "ſecret",
        "se\u200bcret",
        "ｓecret",
    ],
)
def test_another_spelling_evades_no_deny_pattern(model: str) -> None:
    """Servers ignore case, tags, paths, blanks, and characters that look alike."""
    for deny in ("secret", "ollama/secret", "secret*", "*/secret"):
        assert not ModelRules(deny=(deny,)).allows("ollama", model), deny
    assert ModelRules(deny=("secret",)).allows("ollama", "secretary")


@pytest.mark.parametrize(
    "model",
    [
        "anthropic/claude-opus-4.6",
        "Anthropic/Claude-Opus-4.6",
        "anthropic/claude-opus-4.6:free",
        "anthropic/claude-opus-4.6:online:nitro",
        "~anthropic/claude-opus-latest",
        "~anthropic/~claude-opus-latest",
        "~Anthropic/claude-opus-latest:online",
        "openrouter/anthropic/claude-opus-4.6",
        "openrouter/~anthropic/claude-opus-latest",
        "x/y/openrouter/anthropic/claude-opus-4.6@20250101",
        "anthropic//claude-opus-4.6",
        "/anthropic/claude-opus-4.6",
        "anthropic/claude-opus-4.6/",
        "anthropic/claude-opus@20250101",
        "anthropic/claude-opus@latest:free",
    ],
)
def test_a_deny_pattern_matches_each_end_of_a_path(model: str) -> None:
    """OpenRouter has aliases with ``~``, and itself as a first part; others have versions and variants."""
    assert not ModelRules(deny=("openrouter/anthropic/claude-opus*",)).allows("openrouter", model)
    assert ModelRules(deny=("openrouter/anthropic/claude-sonnet*",)).allows("openrouter", model)
    assert not ModelRules(deny=("claude-opus*",)).allows("openrouter", model)


def test_an_exact_deny_pattern_matches_variants() -> None:
    """And versions, but an allow pattern matches only what it says."""
    for model in ("~a/b", "a/b:free", "a/b@1", "openrouter/a/b", "a/b@1:free", "a//b"):
        assert not ModelRules(deny=("openrouter/a/b",)).allows("openrouter", model), model
        assert not ModelRules(allow=("openrouter/a/b",)).allows("openrouter", model), model
    assert ModelRules(deny=("openrouter/a/b",)).allows("openrouter", "a/bc")


def test_a_long_path_is_no_model_where_some_are_denied() -> None:
    """It would have too many names."""
    assert not ModelRules(deny=("x",)).allows("openrouter", "a/" * 13 + "b")
    assert ModelRules(allow=("openrouter/*",)).allows("openrouter", "a/" * 13 + "b")


def test_a_tag_that_servers_add_is_denied_without_it() -> None:
    """Ollama reads ``llama3`` as ``llama3:latest``."""
    assert not ModelRules(deny=("llama3:latest",)).allows("ollama", "llama3")
    assert ModelRules(deny=("llama3:latest",)).allows("ollama", "llama3:8b")


def test_no_rules_allow_every_plain_name() -> None:
    """They are the same as none."""
    assert not ModelRules()
    assert ModelRules().allows("openai", "ft:gpt-4o:org::id")


def test_patterns_are_read_in_lower_case_and_once() -> None:
    """Blanks around them are dropped."""
    given = {"allow": [" OpenAI/GPT-5* ", "openai/gpt-5*"], "deny": ["x"]}
    assert parse_model_rules(given) == ModelRules(("openai/gpt-5*",), ("x",))
    assert parse_model_rules(None) == ModelRules()


@pytest.mark.parametrize(
    "text", ["", " ", "/x", "a\nb", "ü", "x" * 201, "sk-proj-0123456789abcdefABCDEF0123456789abcdefABCDEF"]
)
def test_a_wrong_pattern_is_refused(text: str) -> None:
    """With the field's name."""
    with pytest.raises(Invalid) as caught:
        parse_model_rules({"allow": [text]})
    assert [problem.location for problem in caught.value.problems] == ["models"]


def test_too_many_patterns_are_refused() -> None:
    """Each is compared on each request."""
    with pytest.raises(Invalid):
        parse_model_rules({"deny": [f"m{number}" for number in range(MAX_PATTERNS + 1)]})


def test_many_stars_take_linear_time() -> None:
    """A pattern of stars and the longest model are compared at once; a backtracking regex would not end."""
    rules = ModelRules(allow=("*a" * 100 + "b",))
    began = time.process_time()
    assert not rules.allows("openai", "a" * MAX_MODEL_LENGTH)
    assert time.process_time() - began < 0.1


@pytest.mark.parametrize(
    ("outer", "inner", "covered"),
    [
        (ModelRules(), ModelRules(allow=("x",)), True),
        (ModelRules(allow=("openai/*",)), ModelRules(), False),
        (ModelRules(allow=("openai/*",)), ModelRules(allow=("openai/gpt-5*",)), True),
        (ModelRules(allow=("openai/gpt-5",)), ModelRules(allow=("openai/gpt-5*",)), False),
        (ModelRules(allow=("openai/gpt-5",)), ModelRules(allow=("gpt-5",)), False),
        (ModelRules(allow=("gpt-5",)), ModelRules(allow=("openai/gpt-5",)), True),
        (ModelRules(deny=("x",)), ModelRules(), False),
        (ModelRules(deny=("x",)), ModelRules(deny=("x*",)), True),
        (ModelRules(deny=("x*",)), ModelRules(deny=("x",)), False),
        (ModelRules(deny=("x",)), ModelRules(allow=("y",)), False),
    ],
)
def test_rules_cover_others(outer: ModelRules, inner: ModelRules, covered: bool) -> None:
    """Only if every model that the others allow is certainly allowed."""
    assert covers_models(outer, inner) is covered


def test_covered_rules_never_allow_more() -> None:
    """Over random rules, providers and models: promise of granting."""
    pick = random.Random(57)
    patterns = ["*", "a", "a*", "*b", "p/a", "p/*", "q/a*", "*/ab", "p/a*b", "ab:x", "c/ab"]
    models = ["".join(one) for size in (1, 2, 3) for one in itertools.product("abc", repeat=size)]
    models += ["ab:x", "ab:latest", "c/ab", "~ab", "b/c/ab", "~c/ab@x", "ab@x:y"]
    checked = 0
    for _ in range(20_000):
        outer, inner = (
            ModelRules(tuple(pick.sample(patterns, pick.randrange(3))), tuple(pick.sample(patterns, pick.randrange(3))))
            for _ in range(2)
        )
        if covers_models(outer, inner):
            checked += 1
            provider, model = pick.choice("pq"), pick.choice(models)
            assert outer.allows(provider, model) or not inner.allows(provider, model), (outer, inner, provider, model)
    assert checked > 1_000
