"""Which API keys are bound by the budgets for AI requests, so that they can't loosen them (decision 63).

A key may use AI itself, or through other keys of its family: those that it has its access from, and all that have
theirs from it or from one of those. Prices, named upstreams and base URLs decide which requests a budget counts, and
how much.
"""

from ari.base.errors import Forbidden
from ari.integrations.ai_rules.budgets import BudgetRules
from ari.integrations.ai_rules.model import AiRulesTransaction
from ari.keys.lineage import list_family

_AI_RESOURCES = ("*", "ai", "ai-account")


def require_may_loosen_budgets(tx: AiRulesTransaction) -> None:
    """Raise ``Forbidden`` for a key whose family may use AI: all budgets of the instance and of providers bind it."""
    if _may_use_ai(tx):
        raise Forbidden(_explain("loosen budgets"))


def require_may_change_counting(tx: AiRulesTransaction, what: str) -> None:
    """Raise ``Forbidden`` for a key whose family may use AI, while a budget binds it: its own, its consumer's, or one
    of the instance or of a provider. ``what`` names the change, for the message."""
    if (tx.caller.has_budgets or _has_shared(tx.ai_rules.get().budgets)) and _may_use_ai(tx):
        raise Forbidden(_explain(f"{what} while a budget binds it"))


def _explain(change: str) -> str:
    return (
        f"A key can't {change} if it may use AI, itself or through a key that it created or was created by. Sign in as "
        "the owner or use the command line."
    )


def _has_shared(budgets: BudgetRules) -> bool:
    return bool(budgets.instance.budgets) or any(own.budgets for own in budgets.providers.values())


def _may_use_ai(tx: AiRulesTransaction) -> bool:
    caller = tx.caller
    if caller.key_id is None:
        return False
    if _holds_ai(caller.scopes):
        return True
    return any(_holds_ai(key.scopes) and not key.is_inactive(tx.now_ms) for key in list_family(tx, caller.key_id))


def _holds_ai(scopes: tuple[str, ...]) -> bool:
    return any(scope.partition(":")[0] in _AI_RESOURCES for scope in scopes)
