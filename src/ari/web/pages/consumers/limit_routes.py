"""The forms for the limits, credits and budgets that a consumer's keys share."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from ari import keys
from ari.http.context import deps_of
from ari.keys import ConsumerChange
from ari.keys.limits.charge import RuleOwner
from ari.keys.model import Consumer
from ari.keys.ports import KeyTransaction
from ari.web.pages.consumers import urls
from ari.web.pages.key_limits.budget_pages import BudgetCommands, BudgetPages, BudgetSubject
from ari.web.pages.key_limits.limit_pages import LimitCommands, LimitPages


def _change(tx: KeyTransaction, consumer_id: str, wanted: dict[str, Any]) -> Consumer:
    return keys.change_consumer(tx, consumer_id, ConsumerChange(**wanted))


def _set_budgets(tx: KeyTransaction, consumer_id: str, budgets: list[dict[str, Any]]) -> Consumer:
    return keys.change_consumer(tx, consumer_id, ConsumerChange(budgets=budgets))


class ConsumerLimitsPages(LimitPages):
    """``/settings/consumers/{id}/limits`` and ``credits``."""

    path = urls.CONSUMER
    commands = LimitCommands(_change, keys.reset_consumer_limits, keys.add_consumer_credits)

    async def read_owner(self, request: Request) -> Consumer:
        """The consumer. Raises ``NotFound``."""
        return await deps_of(request).read(keys.get_consumer, urls.consumer_id_of(request.path_params))

    def get_url(self, owner_id: str) -> str:
        """The consumer's page."""
        return urls.show(owner_id)

    def list_rule_owners(self, owner: Consumer) -> Sequence[RuleOwner]:
        """The consumer itself."""
        return [owner.rule_owner] if owner.policy.limits else []


class ConsumerBudgetsPages(BudgetPages):
    """``/settings/consumers/{id}/budgets``."""

    path = f"{urls.CONSUMER}/budgets"
    commands = BudgetCommands(_set_budgets, keys.increase_consumer_budget, keys.reset_consumer_budgets)

    async def read_subject(self, request: Request) -> BudgetSubject:
        """The consumer. Raises ``NotFound``."""
        found = await deps_of(request).read(keys.get_consumer, urls.consumer_id_of(request.path_params))
        url, rules = urls.show(found.id), found.policy.limits
        return BudgetSubject(found.id, "consumer", found.name, rules, (found.rule_owner,), url, f"{url}/budgets", found)
