"""Checks the models that a request asks for against the rules of its key and its consumer. No I/O."""

from ari.gateway.request_facts import RequestFacts
from ari.http.problem import Fault
from ari.integrations.model import Provider
from ari.keys.model_rules import MAX_MODEL_LENGTH, ModelRules
from ari.keys.reasons import MODEL_NOT_ALLOWED


def refuse_models(rules: tuple[ModelRules, ...], provider: Provider, facts: RequestFacts) -> Fault | None:
    """The fault if the request asks for a model that isn't allowed, or for one that can't be determined."""
    if not rules:
        return None
    if not facts.is_determined:
        detail = f"This key may use certain models only, and ARI can't tell which model this uses. {facts.problem}"
        return Fault(MODEL_NOT_ALLOWED, detail)
    for model in facts.models:
        if not is_allowed(rules, provider.name, model):
            return Fault(MODEL_NOT_ALLOWED, f"This key may not use the model {_shorten(model)} of {provider.title}.")
    return None


def is_allowed(rules: tuple[ModelRules, ...], provider: str, model: str) -> bool:
    """Whether all rules allow the model."""
    return all(one.allows(provider, model) for one in rules)


def _shorten(model: str) -> str:
    """The model for a sentence, in ASCII."""
    text = ascii(model)[1:-1]
    return text if len(text) <= MAX_MODEL_LENGTH else f"{text[:MAX_MODEL_LENGTH]}…"
