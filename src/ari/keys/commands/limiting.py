"""Reset the limits and budgets of a key, add to its credits, and increase a budget once."""

from collections.abc import Mapping, Sequence
from typing import Any

from ari.base.errors import Conflict
from ari.keys import granting
from ari.keys.events import record_key
from ari.keys.limits import budget_changes, changes
from ari.keys.limits.rules import LimitRules
from ari.keys.model import ApiKey
from ari.keys.ports import KeyTransaction
from ari.keys.queries import get


def reset_limits(tx: KeyTransaction, key_id: str, names: Sequence[str] | None = None) -> ApiKey:
    """Count these limits of the key from nothing; ``names`` ``None`` = all.

    Raises ``Invalid``, ``NotFound``, ``Forbidden``, ``ReauthRequired``, or ``Conflict`` for a key without limits or
    that is inactive.
    """
    key = _get_active(tx, key_id)
    after = _save(tx, key, changes.reset_limits(key.policy.limits, names))
    listed = [limit.name for limit in key.policy.limits.limits if names is None or limit.name in names]
    record_key(tx, "key_limits_reset", after, {"limits": listed})
    return after


def add_credits(tx: KeyTransaction, key_id: str, amount: int) -> ApiKey:
    """Add to the key's balance. Raises like ``reset_limits``."""
    key = _get_active(tx, key_id)
    after = _save(tx, key, changes.add_credits(key.policy.limits, amount))
    record_key(tx, "key_credits_added", after, {"amount": amount})
    return after


def increase_budget(tx: KeyTransaction, key_id: str, name: str, amount: Mapping[str, Any]) -> ApiKey:
    """Raise a budget of the key until its current period ends; ``amount`` is ``amount_usd`` or ``amount_tokens``.

    Raises like ``reset_limits``, and ``NotFound`` without such a budget.
    """
    key = _get_active(tx, key_id)
    after = _save(tx, key, budget_changes.increase_budget(key.policy.limits, name, amount, tx.now_ms))
    record_key(tx, "key_budget_increased", after, {"budget": name, **amount})
    return after


def reset_budgets(tx: KeyTransaction, key_id: str, names: Sequence[str] | None = None) -> ApiKey:
    """Count these budgets of the key from nothing; ``names`` ``None`` = all. Raises like ``reset_limits``."""
    key = _get_active(tx, key_id)
    after = _save(tx, key, budget_changes.reset_budgets(key.policy.limits, names))
    listed = [one.name for one in key.policy.limits.budgets if names is None or one.name in names]
    record_key(tx, "key_budgets_reset", after, {"budgets": listed})
    return after


def _get_active(tx: KeyTransaction, key_id: str) -> ApiKey:
    key = get(tx, key_id)
    granting.require_may_touch(tx, key)
    if key.is_inactive(tx.now_ms):
        raise Conflict("key_inactive", "Revoked and expired keys can't be changed or restored. Create a new key.")
    return key


def _save(tx: KeyTransaction, key: ApiKey, rules: LimitRules) -> ApiKey:
    after = key.with_rules(rules)
    granting.require_grant(tx, key, after, is_once=True)
    tx.keys.save(after)
    return after
