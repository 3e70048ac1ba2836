"""Print budgets and what is left of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from ari.base.clock import from_rfc3339
from ari.base.money import format_usd, parse_usd
from ari.cli import output
from ari.keys.limits.budget_fields import parse_budgets, write_budget_text


def show_use(owner: Mapping[str, Any], as_json: bool, now_ms: int) -> None:
    """Print the use of the budgets of a key or consumer."""
    use = owner["budget_use"]
    if as_json:
        output.as_json({"id": owner["id"], "budget_use": use})
    else:
        show_uses(use, now_ms)


def show_uses(uses: Sequence[Mapping[str, Any]], now_ms: int) -> None:
    """Print names and what is left, one budget per line."""
    if uses:
        output.facts([(one["name"], _describe(one, now_ms)) for one in uses])
    else:
        output.say("There are no budgets.")


def describe_budgets(use: Sequence[Mapping[str, Any]], now_ms: int) -> list[tuple[str, str]]:
    """Names and what is left, among other facts of a key or consumer."""
    return [(f"budget {one['name']}", _describe(one, now_ms)) for one in use]


def write_rule(facts: Mapping[str, Any]) -> str:
    """The budget as ``--budget`` takes it, without its time zone."""
    given = {name: value for name, value in facts.items() if value is not None and name != "increases"}
    (budget,) = parse_budgets([given])
    return write_budget_text(budget)


def write_amount(use: Mapping[str, Any], amount: str) -> str:
    """``27.65usd``, ``1200tokens``: what is ``used``, ``remaining`` or another amount, as ``--budget`` has it."""
    unit = _find_unit(use)
    return f"{use[f'{amount}_{unit}']}{unit}"


def write_increases(rule: Mapping[str, Any], use: Mapping[str, Any]) -> str:
    """``+10.00usd``: the one-time increases of the current period; empty without any."""
    unit = _find_unit(use)
    limit, amount = use[f"limit_{unit}"], rule[f"amount_{unit}"]
    more = parse_usd(limit) - parse_usd(amount) if unit == "usd" else limit - amount
    return f"+{format_usd(more) if unit == 'usd' else more}{unit}" if more > 0 else ""


def _describe(one: Mapping[str, Any], now_ms: int) -> str:
    unit = _find_unit(one)
    words = "US dollars" if unit == "usd" else "tokens"
    left = f"{one[f'remaining_{unit}']} of {one[f'limit_{unit}']} {words} left"
    more, zone = one.get(f"increase_{unit}"), one.get("time_zone", "UTC")
    if more not in (None, 0, "0.00"):
        left += f" (+{more} {'USD' if unit == 'usd' else unit} once)"
    if one["ends_at"] is not None:
        left += f", until {output.exactly(from_rfc3339(one['ends_at']), now_ms)}"
    return left if zone == "UTC" else f"{left}, {zone}"


def _find_unit(use: Mapping[str, Any]) -> str:
    return "usd" if use["limit_usd"] is not None else "tokens"
