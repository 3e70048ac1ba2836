"""Which API keys are bound by the rules for AI requests, so that they can't loosen them."""

from ari.base.caller import Caller
from ari.base.errors import Forbidden
from ari.integrations.ai_rules.model import AiRules

_AI_RESOURCES = ("*", "ai", "ai-account")


def is_ai_key(caller: Caller) -> bool:
    """Whether the caller is an API key that may use AI."""
    return caller.key_id is not None and any(scope.partition(":")[0] in _AI_RESOURCES for scope in caller.scopes)


def require_may_change_prices(caller: Caller, rules: AiRules) -> None:
    """Raise ``Forbidden`` for a key whose AI requests count against a budget: prices decide how fast it is used."""
    budgets = rules.budgets
    has_shared = bool(budgets.instance.budgets) or any(own.budgets for own in budgets.providers.values())
    if is_ai_key(caller) and (caller.has_budgets or has_shared):
        raise Forbidden("A key that may use AI and has budgets, its own or shared ones, can't change prices.")
