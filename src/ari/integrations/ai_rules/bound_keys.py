"""Which API keys are bound by the budgets for AI requests, so that they can't loosen them (decision 63).

A key may use AI itself, or through other keys of its family: those that it has its access from, and all that have
theirs from it or from one of those. Prices, named upstreams and base URLs decide which requests a budget counts, and
how much.
"""

from ari.base.errors import Forbidden
from ari.integrations.ai_rules.budgets import BudgetRules
from ari.integrations.ai_rules.model import AiRulesTransaction
from ari.keys.lineage import find_sources, list_family
from ari.keys.model import ApiKey

_AI_RESOURCES = ("*", "ai", "ai-account")
_WAY_OUT = "Sign in as the owner or use the command line."


def require_may_loosen_budgets(tx: AiRulesTransaction) -> None:
    """Raise ``Forbidden`` for a key whose family may use AI: all budgets of the instance and of providers bind it."""
    if _may_use_ai(tx):
        raise Forbidden(
            "A key can't loosen budgets if it may use AI, itself or through a key that it created or was created by. "
            f"{_WAY_OUT}"
        )


def require_may_change_counting(tx: AiRulesTransaction, what: str) -> None:
    """Raise ``Forbidden`` for a key whose family may use AI, while a budget binds it: one of the instance or of a
    provider, of the key itself, of one that it has its access from, or of such a key's consumer.

    Budgets of keys that it created bind only these: it may use AI without them. ``what`` names the change, for the
    message.
    """
    if not _may_use_ai(tx):
        return
    key_id = tx.caller.key_id or ""
    binding = [key for one in (key_id, *find_sources(tx, key_id)) if (key := tx.keys.get(one)) is not None]
    owners = (owner for key in binding if not key.is_inactive(tx.now_ms) for owner in key.spending_owners)
    if any(owner.rules.budgets for owner in owners) or _has_shared(tx.ai_rules.get().budgets):
        raise Forbidden(
            f"A key can't {what} if it may use AI, itself or through a key that it created or was created by, while a "
            f"budget binds it or a key that it has its access from. {_WAY_OUT}"
        )


def _has_shared(budgets: BudgetRules) -> bool:
    return bool(budgets.instance.budgets) or any(own.budgets for own in budgets.providers.values())


def _may_use_ai(tx: AiRulesTransaction) -> bool:
    return any(_holds_ai(key.scopes) for key in _list_active_family(tx))


def _list_active_family(tx: AiRulesTransaction) -> list[ApiKey]:
    """The active keys of the caller's family; none if no key calls."""
    key_id = tx.caller.key_id
    if key_id is None:
        return []
    return [key for key in list_family(tx, key_id) if not key.is_inactive(tx.now_ms)]


def _holds_ai(scopes: tuple[str, ...]) -> bool:
    return any(scope.partition(":")[0] in _AI_RESOURCES for scope in scopes)
