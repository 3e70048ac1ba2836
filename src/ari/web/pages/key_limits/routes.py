"""The forms for a key's limits, credits and budgets."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from ari import keys
from ari.base.errors import Conflict
from ari.http.context import deps_of
from ari.keys import KeyChange
from ari.keys.limits.charge import RuleOwner
from ari.keys.model import ApiKey
from ari.keys.ports import KeyTransaction
from ari.web.pages.key import urls as key_urls
from ari.web.pages.key_limits.budget_pages import BudgetCommands, BudgetPages, BudgetSubject
from ari.web.pages.key_limits.limit_pages import LimitCommands, LimitPages


def _change(tx: KeyTransaction, key_id: str, wanted: dict[str, Any]) -> ApiKey:
    return keys.change(tx, key_id, KeyChange(**wanted))


def _set_budgets(tx: KeyTransaction, key_id: str, budgets: list[dict[str, Any]]) -> ApiKey:
    return keys.change(tx, key_id, KeyChange(budgets=budgets))


async def read_changeable_key(request: Request, now_ms: int) -> ApiKey:
    """The key that the URL names. Raises ``NotFound``, and ``Conflict`` for an inactive key."""
    key = await deps_of(request).read(keys.get, request.path_params["key_id"])
    if key.is_inactive(now_ms):
        raise Conflict("key_inactive", "Revoked and expired keys can't be changed or restored. Create a new key.")
    return key


class KeyLimitsPages(LimitPages):
    """``/settings/keys/{id}/limits`` and ``credits``."""

    path = key_urls.KEY
    commands = LimitCommands(_change, keys.reset_limits, keys.add_credits)

    async def read_owner(self, request: Request) -> ApiKey:
        """The key. Raises ``NotFound``, and ``Conflict`` for an inactive key."""
        return await read_changeable_key(request, self._instance.now_ms())

    def get_url(self, owner_id: str) -> str:
        """The key's page."""
        return key_urls.page(owner_id)

    def list_rule_owners(self, owner: ApiKey) -> Sequence[RuleOwner]:
        """The key and its consumer."""
        return owner.rule_owners


class KeyBudgetsPages(BudgetPages):
    """``/settings/keys/{id}/budgets``."""

    path = f"{key_urls.KEY}/budgets"
    commands = BudgetCommands(_set_budgets, keys.increase_budget, keys.reset_budgets)

    async def read_subject(self, request: Request) -> BudgetSubject:
        """The key. Raises ``NotFound``, and ``Conflict`` for an inactive key."""
        key = await read_changeable_key(request, self._instance.now_ms())
        url = key_urls.page(key.id)
        return BudgetSubject(
            key.id, "key", key.name, key.policy.limits, key.spending_owners, url, f"{url}/budgets", key
        )
