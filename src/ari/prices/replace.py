"""Read and replace the operator's own prices."""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from ari.integrations.ai_rules.model import AiRulesTransaction
from ari.integrations.ai_rules.prices import PriceRules
from ari.integrations.ai_rules.replace_part import get_ai_rules, replace_part
from ari.prices.book import version_of
from ari.prices.library import library_version
from ari.prices.rule_fields import describe_price_rules, parse_price_rules

_MAX_NAMED = 20


def get_prices(tx: AiRulesTransaction) -> dict[str, Any]:
    """The own prices and discounts as JSON, with the version of all prices."""
    return _describe(get_ai_rules(tx).prices)


def replace_prices(tx: AiRulesTransaction, given: Mapping[str, Any]) -> dict[str, Any]:
    """Replace all own prices and discounts. Returns what ``get_prices`` does. The same rules again change nothing.

    Raises ``Invalid``, and ``ReauthRequired`` for a session that must give its password again first.
    """
    before = get_ai_rules(tx).prices
    rules = structs.replace(parse_price_rules(given), revision=before.revision)
    if rules != before:
        rules = structs.replace(rules, revision=before.revision + 1)
        changed = sorted(_models_of(before) ^ _models_of(rules))
        detail = {"revision": rules.revision, "models": list(dict.fromkeys(model for model, _ in changed))[:_MAX_NAMED]}
        replace_part(tx, "prices", rules, detail)
    return _describe(rules)


def _describe(rules: PriceRules) -> dict[str, Any]:
    return {"version": version_of(rules), "library_version": library_version(), **describe_price_rules(rules)}


def _models_of(rules: PriceRules) -> set[tuple[str, str]]:
    """Each pattern with its entry as text, to compare."""
    prices = {(own.model, repr(own)) for own in rules.prices}
    return prices | {(discount.model, repr(discount)) for discount in rules.discounts}
