"""Budgets of the whole instance and of its providers."""

import msgspec


class BudgetRules(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Empty: only keys and consumers have budgets."""
