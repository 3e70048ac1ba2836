"""Increase and reset the budgets that a consumer's keys share."""

from collections.abc import Mapping, Sequence
from typing import Any

from ari.base.transaction import record
from ari.keys.commands.consumers import require_may_add_credits
from ari.keys.limits import budget_changes
from ari.keys.limits.rules import LimitRules
from ari.keys.model import Consumer
from ari.keys.ports import KeyTransaction


def increase_consumer_budget(tx: KeyTransaction, reference: str, name: str, amount: Mapping[str, Any]) -> Consumer:
    """Raise a budget until its current period ends; ``amount`` is ``amount_usd`` or ``amount_tokens``.

    Raises ``Invalid``, ``NotFound``, ``Forbidden``, ``ReauthRequired``, and ``Conflict`` for too many increases.
    """
    before = require_may_add_credits(tx, reference)
    rules = budget_changes.increase_budget(before.policy.limits, name, amount, tx.now_ms)
    return _save(tx, before, rules, "consumer_budget_increased", {"budget": name, **amount})


def reset_consumer_budgets(tx: KeyTransaction, reference: str, names: Sequence[str] | None = None) -> Consumer:
    """Count these budgets from nothing; ``names`` ``None`` = all.

    Raises ``Invalid``, ``NotFound``, ``Forbidden``, ``ReauthRequired``, or ``Conflict`` without budgets.
    """
    before = require_may_add_credits(tx, reference)
    rules = budget_changes.reset_budgets(before.policy.limits, names)
    listed = [budget.name for budget in rules.budgets if names is None or budget.name in names]
    return _save(tx, before, rules, "consumer_budgets_reset", {"budgets": listed})


def _save(tx: KeyTransaction, before: Consumer, rules: LimitRules, name: str, detail: dict[str, Any]) -> Consumer:
    after = before.with_rules(rules)
    tx.consumers.save(after)
    record(tx, name, after.id, detail)
    return after
