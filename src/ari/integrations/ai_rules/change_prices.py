"""Replace the operator's own prices and discounts."""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from ari.integrations.ai_rules.bound_keys import require_may_change_counting
from ari.integrations.ai_rules.model import AiRulesTransaction
from ari.integrations.ai_rules.price_fields import describe_price_rules, parse_price_rules
from ari.integrations.ai_rules.prices import PriceRules
from ari.integrations.ai_rules.replace_part import get_ai_rules, replace_part

_MAX_NAMED = 20


def set_prices(tx: AiRulesTransaction, given: Mapping[str, Any]) -> PriceRules:
    """Replace all own prices and discounts, and raise their revision. The same rules again change nothing.

    Raises ``Invalid``, ``Forbidden`` for a key that budgets bind, and ``ReauthRequired`` for a session that must give
    its password again first.
    """
    present = get_ai_rules(tx)
    before = present.prices
    rules = structs.replace(parse_price_rules(given), revision=before.revision)
    if rules == before:
        return before
    require_may_change_counting(tx, "change prices")
    rules = structs.replace(rules, revision=before.revision + 1)
    models = sorted({model for model, _ in _list_entries(before) ^ _list_entries(rules)})[:_MAX_NAMED]
    entries = {"from": _describe(before, models), "to": _describe(rules, models)}
    replace_part(tx, "prices", rules, {"revision": rules.revision, "models": models, **entries})
    return rules


def _list_entries(rules: PriceRules) -> set[tuple[str, str]]:
    """Each pattern with its entry as text, to compare."""
    prices = {(own.model, repr(own)) for own in rules.prices}
    return prices | {(discount.model, repr(discount)) for discount in rules.discounts}


def _describe(rules: PriceRules, models: list[str]) -> dict[str, list[dict[str, str]]]:
    """The entries with these patterns, without the parts that have no price."""
    return {
        kind: [
            {name: value for name, value in entry.items() if value is not None}
            for entry in entries
            if entry["model"] in models
        ]
        for kind, entries in describe_price_rules(rules).items()
    }
