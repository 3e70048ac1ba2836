"""The kinds that the form for a new key offers, and their defaults."""

from collections.abc import Mapping
from dataclasses import dataclass

from ari.base.clock import DAY_MS
from ari.keys.expiry import SUGGESTED_EXPIRY, ExpiryChoice, list_choices
from ari.keys.kinds import Kind
from ari.keys.limits.rules import NO_RULES
from ari.keys.model_rules import NO_MODEL_RULES
from ari.keys.ports import KeyTransaction
from ari.web.forms import Form
from ari.web.pages.key_limits.budget_form import write_budgets
from ari.web.pages.key_limits.limit_form import write_limits
from ari.web.pages.key_options.option_fields import write_models

FILLED = "filled"
"""The field with the kind whose defaults the form shows."""
ACCESS = "of_kind"
"""The choice of a kind's default scopes; no preset has this name."""


@dataclass(frozen=True, slots=True)
class KindChoices:
    """The kinds that were added, the chosen one, and the longest lifetime that it or the instance allows."""

    offered: list[Kind]
    chosen: Kind | None
    longest_days: int | None

    @property
    def expiry_choices(self) -> Mapping[str, ExpiryChoice]:
        """The usual ones and the kind's default, within the longest lifetime."""
        default = None if self.chosen is None else self.chosen.defaults.expires
        return {word: choice for word, choice in list_choices(default).items() if self._allows(choice)}

    @property
    def suggested_expiry(self) -> str:
        """The kind's default, or the usual one; if that is too long, the longest choice that isn't."""
        default = None if self.chosen is None else self.chosen.defaults.expires
        wanted = default or SUGGESTED_EXPIRY
        allowed = self.expiry_choices
        return wanted if wanted in allowed else list(allowed)[-1]

    def apply_to(self, form: Form, suggested_access: str) -> Form:
        """The form with the kind's defaults in place of its own values."""
        defaults = None if self.chosen is None else self.chosen.defaults
        values = {
            "expires": self.suggested_expiry,
            "day": "",
            "environment": (defaults and defaults.environment) or "live",
        }
        if form.value("access") != "same":
            values["access"] = ACCESS if defaults is not None and defaults.scopes is not None else suggested_access
        values |= {FILLED: "" if self.chosen is None else self.chosen.name} | self._rules(form)
        return form.with_values(values)

    def _rules(self, form: Form) -> dict[str, str]:
        """The kind's limits and credits, budgets and models; a copy of a key keeps those that the kind doesn't set."""
        rules = NO_RULES if self.chosen is None else self.chosen.defaults.rules
        models = (None if self.chosen is None else self.chosen.defaults.models) or NO_MODEL_RULES
        is_copy, values = bool(form.value("like")), dict[str, str]()
        if rules.counts_requests or not is_copy:
            values |= {"limits": "", "credits": "", "refill": ""} | write_limits(rules, with_balance=True)
        if rules.budgets or not is_copy:
            values |= write_budgets(rules)
        if models != NO_MODEL_RULES or not is_copy:
            values |= write_models(models)
        return values

    def _allows(self, choice: ExpiryChoice) -> bool:
        days = self.longest_days
        return days is None or (choice.lifetime_ms is not None and choice.lifetime_ms <= days * DAY_MS)


def read_kind_choices(tx: KeyTransaction, name: str) -> KindChoices:
    """The kinds, of which this one is chosen; an unknown name chooses none."""
    offered = tx.kinds.all()
    chosen = next((kind for kind in offered if kind.name == name), None)
    of_kind = None if chosen is None else chosen.defaults.max_lifetime_days
    limits = [days for days in (of_kind, tx.instance_policy.get().max_lifetime_days) if days is not None]
    return KindChoices(offered, chosen, min(limits, default=None))
