"""Read the form of a kind, and write a kind into it."""

from ari.base.errors import Problem
from ari.base.problems import Problems
from ari.keys import KindChange
from ari.keys.kinds import Kind
from ari.keys.model_rules import NO_MODEL_RULES
from ari.web.access_choices import OWN
from ari.web.forms import Form, read_whole_number
from ari.web.pages.key_limits.budget_form import read_budgets, write_budgets
from ari.web.pages.key_limits.limit_form import LIMIT_FIELDS, read_new_limits, write_limits
from ari.web.pages.key_options.option_fields import MODEL_FIELDS, read_models, write_models

_OWN_FIELDS = ("name", "prefix", "description", "expires", "max_lifetime_days", "environment", "leak_action", "access")
FIELDS = (*_OWN_FIELDS, *LIMIT_FIELDS, "budgets", *MODEL_FIELDS)
NO_SCOPES = "none"
"""The choice of no default scopes."""


def write_kind(kind: Kind) -> Form:
    """The kind's values."""
    defaults = kind.defaults
    days = defaults.max_lifetime_days
    return Form(
        {
            "description": kind.description,
            "expires": defaults.expires or "",
            "max_lifetime_days": "" if days is None else str(days),
            "environment": defaults.environment or "",
            "leak_action": defaults.leak_action or "",
            "access": NO_SCOPES if defaults.scopes is None else OWN,
        }
        | write_limits(defaults.rules, with_balance=True)
        | write_budgets(defaults.rules)
        | write_models(defaults.models or NO_MODEL_RULES)
    )


def read_kind(form: Form, ticked: list[str], problems: Problems) -> KindChange:
    """All values of the form but name and prefix; those with a problem are left out."""
    access, days = form.value("access", NO_SCOPES), form.value("max_lifetime_days").strip()
    if access not in (OWN, NO_SCOPES):
        problems.add(Problem("scopes", "Choose one of the choices."))
    limits = problems.check({}, read_new_limits, form)
    if limits.get("credits") is not None:
        limits["credits"].setdefault("refill", None)  # an empty field removes it
    return KindChange(
        description=form.value("description"),
        expires=form.value("expires") or None,
        max_lifetime_days=problems.check(None, read_whole_number, days, "max_lifetime_days") if days else None,
        scopes=tuple(ticked) if access == OWN else None,
        environment=form.value("environment") or None,
        leak_action=form.value("leak_action") or None,
        budgets=problems.check([], read_budgets, form),
        **limits,
        **problems.check({}, read_models, form),
    )
