"""A model behind an alias is checked like one that the caller names."""

from types import SimpleNamespace
from typing import cast

import pytest

from ari.gateway.model_plan import ModelPlan, ModelRefusal, plan_models
from ari.gateway.route import Target
from ari.http.context import RequestContext
from ari.http.request_head import read_head
from ari.integrations.ai_rules.aliases import AliasRules
from ari.integrations.providers import get_provider
from ari.keys.model_rules import ModelRules
from tests.support.asgi import scope_of

DENIES = ModelRules(deny=("openai/gpt-5-pro",))


def _plan(*targets: str, rules: tuple[ModelRules, ...] = (DENIES,)) -> ModelPlan | ModelRefusal:
    """The plan of a request that names an alias with these targets."""
    path = b"/v1/chat/completions"
    head = read_head(scope_of("POST", b"/api/ai/openai" + path, [(b"content-type", b"application/json")]), 0)
    key = SimpleNamespace(scopes=("ai:*",), model_rules=rules)
    context = cast("RequestContext", SimpleNamespace(head=head, key=key))
    target = Target(get_provider("openai"), path.decode())
    return plan_models(context, target, b'{"model": "fast"}', AliasRules({"fast": targets}))


@pytest.mark.parametrize(
    "target",
    [
        "openai/gpt-5-pro",
        "openai_compatible/gpt-5-mini,gpt-5-pro",
        "openrouter/openrouter/auto",
        "openrouter/@preset/mine",
        "openrouter/openai/gpt-5-mini@preset/mine",
    ],
)
def test_an_alias_hides_no_model_from_the_rules(target: str) -> None:
    """Neither one that they deny nor one with which the provider chooses another."""
    found = _plan(target)
    assert isinstance(found, ModelRefusal)
    assert found.fault.reason.code == "model_not_allowed"
    both = _plan(target, "openai/gpt-5-mini")
    assert isinstance(both, ModelPlan)
    assert [one.model for one in both.targets] == ["gpt-5-mini"]


@pytest.mark.parametrize(
    ("extra", "is_refused"),
    [
        (b'"tools": [{"type": "openrouter:advisor"}]', True),
        (b'"plugins": [{"id": "fusion"}]', True),
        (b'"plugins": [{"id": "web", "judge_model": "openai/gpt-5-pro"}]', True),
        (b'"plugins": [{"id": "web"}], "tools": [{"type": "function"}]', False),
    ],
)
def test_a_tool_brings_no_denied_model(extra: bytes, is_refused: bool) -> None:
    """OpenRouter's tools and plugins call models of their own."""
    rules = (ModelRules(deny=("openrouter/openai/gpt-5-pro",)),)
    head = read_head(
        scope_of("POST", b"/api/ai/openrouter/api/v1/responses", [(b"content-type", b"application/json")]), 0
    )
    context = cast(
        "RequestContext", SimpleNamespace(head=head, key=SimpleNamespace(scopes=("ai:*",), model_rules=rules))
    )
    target = Target(get_provider("openrouter"), "/api/v1/responses")
    found = plan_models(context, target, b'{"model": "a/b", ' + extra + b"}", AliasRules({}))
    assert isinstance(found, ModelRefusal) is is_refused


def test_without_rules_any_alias_leads_on() -> None:
    """No rule is broken."""
    assert isinstance(_plan("openrouter/openrouter/auto", rules=()), ModelPlan)
