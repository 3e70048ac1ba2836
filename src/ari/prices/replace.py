"""Own prices as every door reads and replaces them, with the version of all prices."""

from collections.abc import Mapping
from typing import Any

from ari.integrations.ai_rules.change_prices import set_prices
from ari.integrations.ai_rules.model import AiRulesTransaction
from ari.integrations.ai_rules.price_fields import describe_price_rules
from ari.integrations.ai_rules.prices import PriceRules
from ari.integrations.ai_rules.replace_part import get_ai_rules
from ari.prices.book import version_of
from ari.prices.library import library_version


def get_prices(tx: AiRulesTransaction) -> dict[str, Any]:
    """The own prices and discounts as JSON, with the version of all prices."""
    return _describe(get_ai_rules(tx).prices)


def replace_prices(tx: AiRulesTransaction, given: Mapping[str, Any]) -> dict[str, Any]:
    """Replace all own prices and discounts. Returns what ``get_prices`` does. Raises what ``set_prices`` raises."""
    return _describe(set_prices(tx, given))


def _describe(rules: PriceRules) -> dict[str, Any]:
    return {"version": version_of(rules), "library_version": library_version(), **describe_price_rules(rules)}
