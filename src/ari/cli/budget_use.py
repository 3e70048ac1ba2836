"""Print what is left of budgets."""

from collections.abc import Mapping, Sequence
from typing import Any

from ari.base.clock import from_rfc3339
from ari.cli import output


def show_use(owner: Mapping[str, Any], as_json: bool, now_ms: int) -> None:
    """Print the use of the budgets of a key or consumer."""
    use = owner["budget_use"]
    if as_json:
        output.as_json({"id": owner["id"], "budget_use": use})
    elif use:
        output.facts([(one["name"], _describe(one, now_ms)) for one in use])
    else:
        output.say("There are no budgets.")


def describe_budgets(use: Sequence[Mapping[str, Any]], now_ms: int) -> list[tuple[str, str]]:
    """Names and what is left, among other facts of a key or consumer."""
    return [(f"budget {one['name']}", _describe(one, now_ms)) for one in use]


def _describe(one: Mapping[str, Any], now_ms: int) -> str:
    unit = "usd" if one["limit_usd"] is not None else "tokens"
    words = "US dollars" if unit == "usd" else "tokens"
    left = f"{one[f'remaining_{unit}']} of {one[f'limit_{unit}']} {words} left"
    return left if one["ends_at"] is None else f"{left}, until {output.exactly(from_rfc3339(one['ends_at']), now_ms)}"
