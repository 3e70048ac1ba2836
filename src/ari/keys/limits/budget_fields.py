"""Budgets as people write them: checked, with a problem for each field that is wrong."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from ari.base.clock import to_optional_rfc3339
from ari.base.errors import Invalid, Problem
from ari.base.money import format_usd, parse_usd
from ari.keys.limits.fields import (
    DEFAULT_NAME,
    MAX_UNITS,
    check_name,
    check_window,
    format_window,
    is_time_zone,
    parse_window,
    window_in_words,
)
from ari.keys.limits.rules import Budget, Increase, Period, Unit
from ari.keys.limits.spending import Shortage

MAX_BUDGETS = 10
BUDGET_FIELDS = ("name", "amount_usd", "amount_tokens", "period", "window", "time_zone", "hard")
PERIODS: tuple[Period, ...] = get_args(Period)

_PERIOD_RULE = f"Choose one of {', '.join(PERIODS)}."
_ONE_AMOUNT = "Give either amount_usd or amount_tokens."
_IN_WORDS = {"day": "per day", "week": "per week", "month": "per month", "total": "in all"}


def parse_budgets(given: Sequence[Mapping[str, Any]], field: str = "budgets") -> tuple[Budget, ...]:
    """The budgets in their order; a name that is missing is ``default``. Raises ``Invalid`` with all problems."""
    if len(given) > MAX_BUDGETS:
        raise Invalid(Problem(field, f"Use at most {MAX_BUDGETS} budgets."))
    budgets, problems = list[Budget](), list[Problem]()
    for number, one in enumerate(given):
        found = [
            *check_name(one.get("name", DEFAULT_NAME), [budget.name for budget in budgets], "budget"),
            *_check_amount(one),
            *_check_period(one),
        ]
        problems += [Problem(f"{field}.{number}.{part}", sentence) for part, sentence in found]
        if not found:
            budgets.append(_make_budget(one))
    if problems:
        raise Invalid(*problems)
    return tuple(budgets)


def parse_increase(given: Mapping[str, Any]) -> tuple[int, Unit]:
    """The amount and its unit, from ``amount_usd`` or ``amount_tokens``; it may be 0. Raises ``Invalid``."""
    found = _check_amount(given, least=0)
    if found:
        raise Invalid(*(Problem(part, sentence) for part, sentence in found))
    return _read_amount(given)


def parse_budget_text(text: str) -> dict[str, Any]:
    """The fields of ``25usd/month`` or ``name=1000000tokens/day``, as ``parse_budgets`` takes them. Raises ``Invalid``.

    After the slash: a period, or a window such as ``7d`` for a rolling budget. ``?`` at the end makes it a soft one.
    """
    name, equals, rest = text.rpartition("=")
    amount, slash, period = rest.partition("/")
    is_hard = not period.endswith("?")
    period = period.removesuffix("?")
    if not slash or bool(name) != bool(equals) or not amount.endswith(("usd", "tokens")):
        raise Invalid(Problem("budgets", "Use a budget such as 25usd/month, name=1000000tokens/day or 5usd/24h."))
    if period not in PERIODS and period[:1] not in tuple("0123456789"):
        raise Invalid(Problem("budgets", "After the slash, use day, week, month, total or a length such as 24h or 7d."))
    fields = {"name": name or DEFAULT_NAME, "hard": is_hard} | parse_amount_text(amount)
    return fields | ({"period": period} if period in PERIODS else {"period": "rolling", "window": period})


def write_budget_text(budget: Budget) -> str:
    """The budget as ``parse_budget_text`` reads it, which leaves out the time zone."""
    name = "" if budget.name == DEFAULT_NAME else f"{budget.name}="
    amount = f"{format_usd(budget.amount)}usd" if budget.unit == "money" else f"{budget.amount}tokens"
    period = format_window(budget.window_ms) if budget.period == "rolling" else budget.period
    return f"{name}{amount}/{period}{'' if budget.is_hard else '?'}"


def parse_amount_text(text: str) -> dict[str, Any]:
    """``amount_usd`` or ``amount_tokens`` of ``25usd`` or ``50000tokens``, as ``parse_amount`` takes them.

    Raises ``Invalid``.
    """
    if text.startswith("-"):
        problem = "Use an amount such as 25usd or 50000tokens; 0usd or 0tokens ends the one-time increase."
        raise Invalid(Problem("amount_usd", problem))
    if text.endswith("usd"):
        return {"amount_usd": text.removesuffix("usd")}
    number = text.removesuffix("tokens")
    if number == text or not (number.isascii() and number.isdecimal() and len(number) < 20):
        raise Invalid(Problem("amount_usd", "Use an amount such as 25usd or 50000tokens."))
    return {"amount_tokens": int(number)}


def describe_budget(budget: Budget) -> dict[str, Any]:
    """The budget as callers write it, with the increases that were made."""
    return describe_plain_budget(budget) | {
        "increases": [_describe_increase(one, budget.unit) for one in budget.increases]
    }


def describe_plain_budget(budget: Budget) -> dict[str, Any]:
    """The budget as callers write it, without increases."""
    return {
        "name": budget.name,
        **describe_amount("amount", budget.amount, budget.unit),
        "period": budget.period,
        "window": format_window(budget.window_ms) if budget.period == "rolling" else None,
        "time_zone": budget.time_zone,
        "hard": budget.is_hard,
    }


def describe_amount(field: str, amount: int, unit: Unit) -> dict[str, Any]:
    """The amount under the name of its unit: ``amount_usd`` as text, ``amount_tokens`` as a number; the other is
    ``None``."""
    is_money = unit == "money"
    return {f"{field}_usd": format_usd(amount) if is_money else None, f"{field}_tokens": None if is_money else amount}


def budget_in_words(budget: Budget) -> str:
    """``25.00 US dollars per month``, ``1,000,000 tokens per day``."""
    return f"{_amount_in_words(budget.amount, budget.unit)} {period_in_words(budget)}"


def describe_named_budget(budget: Budget) -> str:
    """``monthly: 25.00 US dollars per month (Europe/Berlin)``, without the name of the only one."""
    notes = ([budget.time_zone] if budget.time_zone != "UTC" else []) + ([] if budget.is_hard else ["soft"])
    name = "" if budget.name == DEFAULT_NAME else f"{budget.name}: "
    return f"{name}{budget_in_words(budget)}" + (f" ({', '.join(notes)})" if notes else "")


def period_in_words(budget: Budget) -> str:
    """``per month``, ``per 24 hours``, ``in all``."""
    return f"per {window_in_words(budget.window_ms)}" if budget.period == "rolling" else _IN_WORDS[budget.period]


def shortage_in_words(shortage: Shortage, unit: Unit) -> str:
    """``has 12 tokens left; this request may use 40 tokens``: the end of a sentence about a budget without room."""
    left, asked = _amount_in_words(shortage.left, unit), _amount_in_words(shortage.asked, unit)
    whole = ", more than the whole budget" if shortage.asked > shortage.limit else ""
    return f"has {left} left; this request may use {asked}{whole}"


def _amount_in_words(amount: int, unit: Unit) -> str:
    return f"{format_usd(amount)} US dollars" if unit == "money" else f"{amount:,} tokens"


def _describe_increase(one: Increase, unit: Unit) -> dict[str, Any]:
    return describe_amount("amount", one.amount, unit) | {"ends_at": to_optional_rfc3339(one.ends_ms)}


def _check_amount(given: Mapping[str, Any], *, least: int = 1) -> list[tuple[str, str]]:
    usd, tokens = given.get("amount_usd"), given.get("amount_tokens")
    if (usd is None) == (tokens is None):
        return [("amount_usd", _ONE_AMOUNT)]
    if tokens is not None:
        is_valid = type(tokens) is int and least <= tokens <= MAX_UNITS
        return [] if is_valid else [("amount_tokens", f"Use a whole number from {least} to {MAX_UNITS}.")]
    try:
        micros = parse_usd(usd if isinstance(usd, str) else "")
    except ValueError as error:
        return [("amount_usd", str(error))]
    return [] if micros >= least else [("amount_usd", "Use an amount above 0.")]


def _read_amount(given: Mapping[str, Any]) -> tuple[int, Unit]:
    tokens = given.get("amount_tokens")
    return (parse_usd(given["amount_usd"]), "money") if tokens is None else (tokens, "tokens")


def _check_period(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    period, window, found = given.get("period"), given.get("window"), []
    if period not in PERIODS:
        found.append(("period", _PERIOD_RULE))
    elif period == "rolling":
        found += check_window(window)
    elif window is not None:
        found.append(("window", "Only a rolling budget has a window."))
    if not is_time_zone(given.get("time_zone", "UTC")):
        found.append(("time_zone", "Use a time zone such as UTC or Europe/Berlin."))
    if type(given.get("hard", True)) is not bool:
        found.append(("hard", "Use true or false."))
    return found


def _make_budget(given: Mapping[str, Any]) -> Budget:
    amount, unit = _read_amount(given)
    period: Period = given["period"]
    return Budget(
        name=given.get("name", DEFAULT_NAME),
        amount=amount,
        unit=unit,
        period=period,
        window_ms=parse_window(given["window"]) if period == "rolling" else 0,
        time_zone=given.get("time_zone", "UTC"),
        is_hard=given.get("hard", True),
    )
