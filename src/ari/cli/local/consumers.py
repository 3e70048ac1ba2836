"""Consumers of the instance in the data directory."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ari import keys
from ari.base.clock import to_rfc3339
from ari.base.errors import Problem
from ari.cli.local.limits import describe_remaining
from ari.keys import ConsumerChange, NewConsumer
from ari.keys.model import Consumer

if TYPE_CHECKING:
    from ari.deps import Deps
    from ari.keys.ports import KeyTransaction

_PAGE = 200


class LocalConsumers:
    def __init__(self, deps: "Deps") -> None:
        self._deps = deps

    def create(self, new: NewConsumer, problems: Sequence[Problem]) -> dict[str, Any]:
        return _facts(self._deps.do_sync(keys.create_consumer, new, problems), 0)

    def list_all(self, text: str) -> list[dict[str, Any]]:
        return self._deps.read_sync(_list_all, text)

    def get(self, reference: str) -> dict[str, Any]:
        """The consumer with what remains of its limits."""
        return self._describe(self._deps.read_sync(keys.get_consumer, reference))

    def change(self, reference: str, wanted: ConsumerChange, problems: Sequence[Problem]) -> dict[str, Any]:
        changed = self._deps.do_sync(keys.change_consumer, reference, wanted, problems)
        return _facts(changed, self._deps.read_sync(keys.count_keys_of, changed.id))

    def reset_limits(self, reference: str, names: list[str] | None) -> dict[str, Any]:
        return self._describe(self._deps.do_sync(keys.reset_consumer_limits, reference, names))

    def add_credits(self, reference: str, amount: int) -> dict[str, Any]:
        return self._describe(self._deps.do_sync(keys.add_consumer_credits, reference, amount))

    def increase_budget(self, reference: str, name: str, amount: Mapping[str, Any]) -> dict[str, Any]:
        return self._describe(self._deps.do_sync(keys.increase_consumer_budget, reference, name, amount))

    def reset_budgets(self, reference: str, names: list[str] | None) -> dict[str, Any]:
        return self._describe(self._deps.do_sync(keys.reset_consumer_budgets, reference, names))

    def delete(self, consumer_id: str) -> None:
        self._deps.do_sync(keys.delete_consumer, consumer_id)

    def _describe(self, found: Consumer) -> dict[str, Any]:
        owners = [found.rule_owner] if found.policy.limits else []
        count = self._deps.read_sync(keys.count_keys_of, found.id)
        return _facts(found, count) | describe_remaining(self._deps.instance, owners)


def _list_all(tx: "KeyTransaction", text: str) -> list[dict[str, Any]]:
    found: list[Consumer] = []
    while page := keys.get_consumers(tx, text, found[-1].id if found else None, _PAGE):
        found += page
    return [_facts(consumer, keys.count_keys_of(tx, consumer.id)) for consumer in found]


def _facts(consumer: Consumer, count: int) -> dict[str, Any]:
    made = {"created_at": to_rfc3339(consumer.created_at_ms), "created_by": consumer.created_by, "key_count": count}
    return keys.consumer_facts(consumer) | made | keys.limit_rules_facts(consumer)
