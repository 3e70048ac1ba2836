"""Warn that a hard budget in money refuses models without a known price."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ari.base.errors import Forbidden
from ari.cli import output

if TYPE_CHECKING:
    from ari.cli.targets import Target

_MAX_NAMED = 5


def warn_about_unpriced(target: "Target", budgets: Sequence[Mapping[str, Any]] | None) -> None:
    """Say on standard error which models of the last 30 days hard budgets in money refuse, if one of these is such."""
    if not any(one.get("amount_usd") is not None and one.get("hard", True) for one in budgets or ()):
        return
    try:
        found = target.budgets.get()
    except Forbidden:  # a key that may set budgets of keys, but not read those of the instance
        found = {}
    if not found.get("refuses_unpriced", True):
        return
    models = found.get("unpriced_models", ())
    warning = "Hard budgets in money refuse requests for models without a known price."
    if models:
        more = f" and {len(models) - _MAX_NAMED} more" if len(models) > _MAX_NAMED else ""
        warning += f" Used in the last 30 days: {', '.join(models[:_MAX_NAMED])}{more}. Add prices: ari prices set"
    output.tell(warning)
