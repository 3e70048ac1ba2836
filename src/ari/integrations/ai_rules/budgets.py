"""Budgets of the whole instance and of its providers."""

import msgspec

from ari.keys.limits.charge import INSTANCE_ID, INSTANCE_PREFIX, PROVIDER_PREFIX, RuleOwner
from ari.keys.limits.rules import NO_RULES, LimitRules


class BudgetRules(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Empty: only keys and consumers have budgets. ``providers`` are by name."""

    instance: LimitRules = NO_RULES
    providers: dict[str, LimitRules] = {}

    def list_owners(self, provider: str) -> tuple[RuleOwner, ...]:
        """The owners of budgets that a request to this provider uses."""
        found = list[RuleOwner]()
        own = self.providers.get(provider)
        if own:
            found.append(RuleOwner(f"{PROVIDER_PREFIX}{provider}", own, f"{PROVIDER_PREFIX}{provider}:"))
        if self.instance:
            found.append(RuleOwner(INSTANCE_ID, self.instance, INSTANCE_PREFIX))
        return tuple(found)

    def list_all(self) -> tuple[RuleOwner, ...]:
        """Every owner of budgets."""
        names = sorted(self.providers)
        owners = [owner for name in names for owner in self.list_owners(name) if owner.id != INSTANCE_ID]
        return (*owners, *self.list_owners(""))
