"""Find the keys and consumers that have budgets."""

from collections.abc import Sequence
from dataclasses import dataclass

from ari.base.ids import is_id
from ari.keys.limits.charge import RuleOwner
from ari.keys.listing import Cursor, KeyFilter, KeyListTransaction, Order
from ari.keys.model import ApiKey, Consumer


@dataclass(frozen=True, slots=True)
class BudgetOwner:
    """An active or disabled key, or a consumer, that has budgets. The names of ``rules`` begin with its ID."""

    id: str
    name: str
    rules: RuleOwner


def list_budget_owners(tx: KeyListTransaction, before_id: str | None, limit: int) -> list[BudgetOwner]:
    """Consumers, the newest first, then keys; those after the owner with this ID."""
    is_key = before_id is not None and before_id.startswith("key_")
    found = [] if is_key else [_of_consumer(one) for one in tx.consumers.list_with_budgets(before_id, limit)]
    left = limit - len(found)
    if left <= 0:
        return found
    where, order = KeyFilter(tx.now_ms, activity="active", with_budgets=True), Order("created", descending=True)
    after = Cursor(None, before_id) if is_key and before_id is not None else None
    return [*found, *(_of_key(one) for one in tx.listing.run(where, order, after, left))]


def find_budget_owners(tx: KeyListTransaction, ids: Sequence[str]) -> list[BudgetOwner]:
    """Those of these keys and consumers, a few hundred at most, that have budgets now, in no order."""
    key_ids = [one for one in ids if is_id("key", one)]
    where = KeyFilter(tx.now_ms, activity="active", with_budgets=True)
    consumers = (tx.consumers.get(one) for one in ids if is_id("con", one))
    return [
        *(_of_consumer(one) for one in consumers if one is not None and one.policy.limits.budgets),
        *(_of_key(key) for key in (tx.listing.among(where, key_ids) if key_ids else ())),
    ]


def _of_key(key: ApiKey) -> BudgetOwner:
    return BudgetOwner(key.id, key.name, RuleOwner(key.id, key.policy.limits, f"{key.id}:"))


def _of_consumer(consumer: Consumer) -> BudgetOwner:
    return BudgetOwner(consumer.id, consumer.name, RuleOwner(consumer.id, consumer.policy.limits, f"{consumer.id}:"))
