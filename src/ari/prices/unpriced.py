"""Models in use that have no known price, which hard budgets in money refuse."""

from typing import NamedTuple

from ari.base.clock import DAY_MS, HOUR_MS
from ari.integrations.ai_rules.prices import PriceRules
from ari.prices.book import PriceBook
from ari.usage.ai import AiSpan
from ari.usage.ports import UsageReader

USED_DAYS = 30
_MAX_MODELS = 50


class UnpricedUse(NamedTuple):
    """``models`` are those of the last ``USED_DAYS`` days, ``provider/model``, most used first.

    ``are_refused``: hard budgets in money refuse them; otherwise ``ARI_AI_UNKNOWN_PRICE`` counts them.
    """

    are_refused: bool
    models: tuple[str, ...]


def read_unpriced_use(reader: UsageReader, rules: PriceRules, unknown_price: str, now_ms: int) -> UnpricedUse:
    """The models without a price; ``unknown_price`` is the setting. Loads the library's prices, which takes 0.2 s.

    Requests that failed don't count: callers may ask for any name.
    """
    until_ms = now_ms - now_ms % HOUR_MS + HOUR_MS
    used = reader.ai_counts("model", AiSpan(until_ms - USED_DAYS * DAY_MS, until_ms))
    answered = [one for one in used if one.name and one.sums.request_count > one.sums.failed_count]
    book = PriceBook()
    unpriced = [one for one in answered if book.find_card(one.provider, (one.name,), rules, now_ms) is None]
    unpriced.sort(key=lambda one: (-one.sums.request_count, one.provider, one.name))
    return UnpricedUse(unknown_price == "refuse", tuple(f"{one.provider}/{one.name}" for one in unpriced[:_MAX_MODELS]))
