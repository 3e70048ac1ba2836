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
from ari.web.pages.key_limits.budget_pages import BudgetCommands, BudgetPages
from ari.web.pages.key_limits.limit_pages import LimitCommands, LimitPages


def _change(tx: KeyTransaction, key_id: str, wanted: dict[str, Any]) -> ApiKey:
    return keys.change(tx, key_id, KeyChange(**wanted))


class KeyLimitsPages(LimitPages):
    """``/settings/keys/{id}/limits`` and ``credits``."""

    path = key_urls.KEY
    commands = LimitCommands(_change, keys.reset_limits, keys.add_credits)

    async def read_owner(self, request: Request) -> ApiKey:
        """The key. Raises ``NotFound``, and ``Conflict`` for an inactive key."""
        key = await deps_of(request).read(keys.get, request.path_params["key_id"])
        if key.is_inactive(self._instance.now_ms()):
            raise Conflict("key_inactive", "Revoked and expired keys can't be changed or restored. Create a new key.")
        return key

    def get_url(self, owner_id: str) -> str:
        """The key's page."""
        return key_urls.page(owner_id)

    def list_rule_owners(self, owner: ApiKey) -> Sequence[RuleOwner]:
        """The key and its consumer."""
        return owner.rule_owners


class KeyBudgetsPages(BudgetPages):
    """``/settings/keys/{id}/budgets``."""

    limit_pages = KeyLimitsPages
    commands = BudgetCommands(keys.increase_budget, keys.reset_budgets)
