"""Add, change and remove a single own price or discount."""

from collections.abc import Mapping
from typing import Any, Literal

from ari.base.errors import Invalid, NotFound, Problem
from ari.integrations.ai_rules.change_prices import set_prices
from ari.integrations.ai_rules.model import AiRulesTransaction
from ari.integrations.ai_rules.price_fields import describe_price_rules
from ari.integrations.ai_rules.replace_part import get_ai_rules

PriceKind = Literal["prices", "discounts"]


def get_price_entry(tx: AiRulesTransaction, kind: PriceKind, model: str) -> dict[str, Any]:
    """The price or discount with this pattern, as people write it. Raises ``NotFound``."""
    entries: list[dict[str, Any]] = describe_price_rules(get_ai_rules(tx).prices)[kind]
    return entries[_find(entries, model)]


def save_price_entry(tx: AiRulesTransaction, kind: PriceKind, before: str | None, entry: Mapping[str, Any]) -> None:
    """Put an entry in place of the one with the pattern ``before``, or add it. The place of an entry has no meaning.

    Raises ``Invalid`` for the fields of the entry, ``NotFound``, and what ``set_prices`` raises.
    """
    rules = describe_price_rules(get_ai_rules(tx).prices)
    entries: list[Any] = rules[kind]
    place = len(entries) if before is None else _find(entries, before)
    others = [*entries[:place], *entries[place + 1 :]]
    if any(one["model"] == entry.get("model") for one in others):
        raise Invalid(Problem("model", "Another entry has the same pattern. Edit that one instead."))
    try:
        set_prices(tx, {**rules, kind: [*others, entry]})
    except Invalid as error:
        prefix = f"{kind}.{len(others)}"
        fields = [(one.location.removeprefix(prefix).removeprefix("."), one.message) for one in error.problems]
        raise Invalid(*(Problem(field or "input_usd", message) for field, message in fields)) from None


def remove_price_entry(tx: AiRulesTransaction, kind: PriceKind, model: str) -> None:
    """Remove an entry. Raises ``NotFound``, and what ``set_prices`` raises."""
    rules = describe_price_rules(get_ai_rules(tx).prices)
    place = _find(rules[kind], model)
    set_prices(tx, {**rules, kind: [*rules[kind][:place], *rules[kind][place + 1 :]]})


def _find(entries: list[dict[str, Any]], model: str) -> int:
    for place, one in enumerate(entries):
        if one["model"] == model:
            return place
    raise NotFound("There is no such entry.")
