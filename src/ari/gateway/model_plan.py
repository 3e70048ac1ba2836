"""Decides where a request goes: which alias it names, and whether its key may use the models that it asks for. No I/O.

Both are rules about models, so both need to know which model the provider would read.
"""

from typing import NamedTuple

from ari.gateway.json_tree import Ambiguous
from ari.gateway.known_facts import find_facts
from ari.gateway.model_aliases import AliasTarget, explain_unresolved, find_alias, resolve_alias
from ari.gateway.model_lists import ModelFilter, is_list
from ari.gateway.request_facts import RequestFacts, describe_alias_target
from ari.gateway.route import Target, plain_scope
from ari.http.context import RequestContext
from ari.http.problem import Fault
from ari.integrations.ai_rules.aliases import AliasRules
from ari.integrations.model import Provider
from ari.keys.model_rules import ModelRules
from ari.keys.reasons import INSUFFICIENT_SCOPE, MODEL_NOT_ALLOWED, REQUEST_ERRORS
from ari.keys.scopes import holds


class ModelPlan(NamedTuple):
    """``targets`` are the requests that the caller may make, in order; without an alias, its own one."""

    facts: RequestFacts
    alias: str | None
    targets: tuple[AliasTarget, ...]


class ModelRefusal(NamedTuple):
    """``model`` is the refused model, and ``provider`` the one it would have reached; ``None`` if it isn't known."""

    fault: Fault
    provider: str
    model: str | None = None
    alias: str | None = None


def plan_models(
    context: RequestContext, target: Target, body: bytes | None, aliases: AliasRules
) -> ModelPlan | ModelRefusal:
    """The plan of a request, or why it is refused; ``body`` is ``None`` if it was too large to read."""
    rules = () if context.key is None else context.key.model_rules
    facts = find_facts(target, context.head, body)
    alias = find_alias(aliases, facts)
    if alias is None or body is None:
        own = AliasTarget(target, facts.models[0] if facts.models else "", body or b"")
        return refuse_models(rules, target.provider, facts) or ModelPlan(facts, None, (own,))
    try:
        found = resolve_alias(aliases, alias, target, context.head, body)
    except Ambiguous as error:
        return ModelRefusal(Fault(REQUEST_ERRORS["invalid_request"], str(error)), target.provider.name)
    if not found:
        detail = explain_unresolved(aliases, alias, target, context.head)
        return ModelRefusal(Fault(REQUEST_ERRORS["invalid_request"], detail), target.provider.name)
    faults = [_refuse_target(context, rules, target.provider, facts, one) for one in found]
    allowed = tuple(one for one, fault in zip(found, faults, strict=True) if fault is None)
    first = faults[0]
    if not allowed and first is not None:
        return ModelRefusal(first, found[0].target.provider.name, found[0].model, alias)
    return ModelPlan(facts, alias, allowed)


def make_filter(context: RequestContext, target: Target, aliases: AliasRules) -> ModelFilter | None:
    """The models that a caller may see, if the request reads a list of them."""
    if not is_list(target.provider, context.head.method, target.path):
        return None
    rules, name = () if context.key is None else context.key.model_rules, target.provider.name
    own = (
        (alias, model)
        for alias in aliases.aliases
        for provider, model in aliases.list_targets(alias)[:1]
        if provider == name and is_allowed(rules, name, model)
    )
    return ModelFilter(lambda model: is_allowed(rules, name, model), tuple(own))


def refuse_models(rules: tuple[ModelRules, ...], provider: Provider, facts: RequestFacts) -> ModelRefusal | None:
    """The refusal if the request asks for a model that isn't allowed, or for one that can't be determined."""
    if not rules:
        return None
    problem = facts.unnamed_model if facts.is_determined else facts.problem
    if problem is not None or not facts.is_determined:
        detail = f"This key may use certain models only, and ARI can't determine the model of this request. {problem}"
        return ModelRefusal(Fault(MODEL_NOT_ALLOWED, detail), provider.name, next(iter(facts.models), None))
    refused = next((model for model in facts.models if not is_allowed(rules, provider.name, model)), None)
    if refused is None:
        return None
    fault = Fault(MODEL_NOT_ALLOWED, f"This key may not use this model of {provider.title}.")
    return ModelRefusal(fault, provider.name, refused)


def is_allowed(rules: tuple[ModelRules, ...], provider: str, model: str) -> bool:
    """Whether all rules allow the model."""
    return all(one.allows(provider, model) for one in rules)


def _refuse_target(
    context: RequestContext, rules: tuple[ModelRules, ...], own: Provider, asked: RequestFacts, found: AliasTarget
) -> Fault | None:
    provider = found.target.provider
    scope = plain_scope(found.target)
    if provider.name != own.name and (context.key is None or not holds(context.key.scopes, scope)):
        return Fault(INSUFFICIENT_SCOPE, scope=scope)
    facts = describe_alias_target(asked, found.target, found.model)
    if refuse_models(rules, provider, facts) is None:
        return None
    return Fault(MODEL_NOT_ALLOWED, "This key may not use the models of this alias.")
