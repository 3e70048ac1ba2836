"""Own prices and discounts as people write them: checked, with a problem for each field that is wrong."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ari.base.errors import Invalid, Problem
from ari.integrations.ai_rules.prices import Discount, OwnPrice, PriceRules

MAX_ENTRIES = 500
MAX_PATTERN_LENGTH = 200
PRICE_FIELDS = tuple(OwnPrice.__struct_fields__[1:])
"""The parts of an own price. Outside, each name ends with ``_usd``."""
_MAX_SHOWN = 100
_MAX_PRICE = Decimal(1_000_000)
_PRICE = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,9})?", re.ASCII)
_PERCENT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,2})?", re.ASCII)
_PATTERN = re.compile(r"[!-.0-~]+/[!-~]+", re.ASCII)
_PATTERN_RULE = 'Use provider/model, such as "openai/gpt-5*"; * matches any text.'
_PRICE_RULE = 'Use an amount of US dollars from 0 to 1000000 such as "1.25", with at most 9 decimal places.'
_PERCENT_RULE = 'Use a percentage from 0 to 100 such as "15", with at most 2 decimal places.'


def parse_price_rules(given: Mapping[str, Any]) -> PriceRules:
    """The rules in ``prices`` and ``discounts``, each empty if absent. Raises ``Invalid`` with all problems."""
    problems: list[Problem] = []
    prices = [_parse_price(place, one, problems) for place, one in _list("prices", given, problems)]
    discounts = [_parse_discount(place, one, problems) for place, one in _list("discounts", given, problems)]
    if problems:
        raise Invalid(*problems)
    return PriceRules(tuple(prices), tuple(discounts))


def describe_price_rules(rules: PriceRules) -> dict[str, Any]:
    """The rules as JSON, in the form that ``parse_price_rules`` reads."""
    return {
        "prices": [describe_price(one) for one in rules.prices],
        "discounts": [{"model": one.model, "percent": _plain(one.percent)} for one in rules.discounts],
    }


def describe_price(own: OwnPrice) -> dict[str, str | None]:
    """One own price as JSON; ``None`` for parts without a price."""
    parts = {name: getattr(own, name) for name in PRICE_FIELDS}
    return {"model": own.model} | {f"{name}_usd": None if one is None else _plain(one) for name, one in parts.items()}


def _list(name: str, given: Mapping[str, Any], problems: list[Problem]) -> list[tuple[str, Mapping[str, Any]]]:
    """The entries with their places. A list that is too long, or two entries with one pattern, is a problem."""
    entries: Sequence[Mapping[str, Any]] = given.get(name) or ()
    if len(entries) > MAX_ENTRIES:
        problems.append(Problem(name, f"Use at most {MAX_ENTRIES} entries."))
        return []
    models = [one.get("model") for one in entries]
    for number, model in enumerate(models):
        if model in models[:number]:
            problems.append(Problem(f"{name}.{number}.model", "Another entry has the same pattern."))
    return [(f"{name}.{number}", one) for number, one in enumerate(entries)]


def _parse_price(place: str, one: Mapping[str, Any], problems: list[Problem]) -> OwnPrice:
    values = {name: one.get(f"{name}_usd") for name in PRICE_FIELDS}
    known = {"model", *(f"{name}_usd" for name in PRICE_FIELDS)}
    problems += [Problem(f"{place}.{name[:_MAX_SHOWN]}", "Unknown field.") for name in one if name not in known]
    parsed = {
        name: _parse_number(f"{place}.{name}_usd", value, _PRICE, _MAX_PRICE, _PRICE_RULE, problems)
        for name, value in values.items()
        if value is not None
    }
    if not parsed:
        problems.append(Problem(place, "Set at least one price; 0 is free."))
    elif parsed.keys() != {"per_request"}:  # tokens without a price would cost nothing, so budgets would miss them
        problems += [
            Problem(f"{place}.{name}_usd", f"Set the price of {name} too; 0 is free.")
            for name in ("input", "output")
            if name not in parsed
        ]
    return OwnPrice(_parse_pattern(place, one, problems), **parsed)


def _parse_discount(place: str, one: Mapping[str, Any], problems: list[Problem]) -> Discount:
    percent = _parse_number(f"{place}.percent", one.get("percent"), _PERCENT, Decimal(100), _PERCENT_RULE, problems)
    return Discount(_parse_pattern(place, one, problems), percent)


def _parse_pattern(place: str, one: Mapping[str, Any], problems: list[Problem]) -> str:
    pattern = one.get("model")
    if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN_LENGTH or not _PATTERN.fullmatch(pattern):
        problems.append(Problem(f"{place}.model", _PATTERN_RULE))
        return ""
    return pattern


def _parse_number(
    place: str, value: Any, form: re.Pattern[str], most: Decimal, rule: str, problems: list[Problem]
) -> Decimal:
    if not isinstance(value, str) or not form.fullmatch(value) or Decimal(value) > most:
        problems.append(Problem(place, rule))
        return Decimal(0)
    return Decimal(value)


def _plain(number: Decimal) -> str:
    """The number as written, never with an exponent."""
    return f"{number:f}"
