"""Budgets of several owners as pages show them: each with whose it is."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ari.integrations.ai_rules.budgets import BudgetRules
from ari.keys.budget_owners import BudgetOwner
from ari.keys.limits.charge import PROVIDER_PREFIX, RuleOwner
from ari.keys.limits.spending import BudgetState
from ari.usage.ports import UsageRecords
from ari.web.pages.consumers import urls as consumer_urls
from ari.web.pages.key import urls as key_urls
from ari.web.pages.key_limits.budget_pages import Sort
from ari.web.pages.usage_ai import urls as usage_urls


class BudgetTitle(NamedTuple):
    """The owner of a budget: its name, what it is, and its page or, of a shared one, its form."""

    text: str
    sort: Sort
    url: str | None = None
    form_url: str | None = None


class BudgetBar(NamedTuple):
    """One budget, and its owner."""

    state: BudgetState
    owner: BudgetTitle

    @property
    def share(self) -> float:
        """The share that is used."""
        return self.state.used / self.state.limit


def read_shared_bars(records: UsageRecords, rules: BudgetRules, titles: Mapping[str, str]) -> list[BudgetBar]:
    """The budgets of the instance, then those of providers, which have these titles."""
    owners = sorted(rules.list_all(), key=lambda owner: owner.id.startswith(PROVIDER_PREFIX))
    return _read(records, owners, {owner.prefix: _name_shared(owner, titles) for owner in owners})


def read_owned_bars(records: UsageRecords, owners: Iterable[BudgetOwner]) -> list[BudgetBar]:
    """The budgets of keys and consumers, in their order."""
    found = list(owners)
    return _read(records, [one.rules for one in found], {one.rules.prefix: _name_owned(one) for one in found})


def _read(records: UsageRecords, owners: Sequence[RuleOwner], titles: Mapping[str, BudgetTitle]) -> list[BudgetBar]:
    states = records.read_budgets(owners)
    return [BudgetBar(one, titles[f"{one.name.rpartition(':')[0]}:"]) for one in states]


def _name_shared(owner: RuleOwner, titles: Mapping[str, str]) -> BudgetTitle:
    if not owner.id.startswith(PROVIDER_PREFIX):
        return BudgetTitle("This instance", "instance", form_url=usage_urls.INSTANCE_BUDGETS)
    name = owner.id.removeprefix(PROVIDER_PREFIX)
    return BudgetTitle(titles.get(name, name), "provider", form_url=usage_urls.provider_budgets(name))


def _name_owned(owner: BudgetOwner) -> BudgetTitle:
    if owner.id.startswith("key_"):
        return BudgetTitle(owner.name, "key", key_urls.page(owner.id))
    return BudgetTitle(owner.name, "consumer", consumer_urls.show(owner.id))
