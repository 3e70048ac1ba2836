"""The cost of a request: by the operator's own prices, else by the library's, less the operator's discount."""

import threading
from collections.abc import Iterator
from fractions import Fraction

import msgspec
from cachetools import LRUCache

from ari.base.clock import MINUTE_MS
from ari.integrations.ai_rules.prices import PriceRules
from ari.integrations.providers import providers
from ari.prices import library
from ari.prices.card import Price, PriceCard
from ari.prices.own import make_prices
from ari.usage.ai import TokenUsage

MAX_MODEL_LENGTH = 200
"""Longer names are no model's, and would be compared with every pattern."""
_MAX_CARDS = 4_096
_CardKey = tuple[str, tuple[str, ...], tuple[tuple[str, str], ...], int, int]


class Cost(msgspec.Struct, frozen=True):
    """``micros`` are millionths of a US dollar; ``version`` names the prices, as ``version_of`` does."""

    micros: int
    version: str


class PriceBook:
    """The prices of one instance. ``cost_of`` takes about 3 µs for a model that was priced in the last minutes."""

    def __init__(self) -> None:
        self._cards: LRUCache[_CardKey, PriceCard | None] = LRUCache(_MAX_CARDS)
        self._lock = threading.Lock()
        """The event loop reads prices, and so do threads for large requests."""
        self.is_loaded = False

    def load(self) -> None:
        """Load the library. Takes 0.2 s, so call it in a thread before the first cost."""
        library.load()
        self.is_loaded = True

    def cost_of(
        self, provider: str, model: str | None, usage: TokenUsage, rules: PriceRules, at_ms: int
    ) -> Cost | None:
        """The cost of this usage at the time of the request, ``None`` if the price or a necessary amount is unknown.

        ``model`` is the one requested. The provider's name for it, ``usage.model``, counts first: it names the version.
        """
        card = self.find_card(provider, (usage.model, model), rules, at_ms, usage.price_context)
        micros = None if card is None else card.cost_micros(usage)
        return None if micros is None else Cost(micros, version_of(rules))

    def find_card(
        self,
        provider: str,
        models: tuple[str | None, ...],
        rules: PriceRules,
        at_ms: int,
        context: tuple[tuple[str, str], ...] = (),
    ) -> PriceCard | None:
        """The prices of the first of these models that has any: an own price, else one of the library."""
        names = tuple(name for name in models if name and len(name) <= MAX_MODEL_LENGTH)
        key = (provider, names, context, rules.revision, at_ms // MINUTE_MS)
        with self._lock:
            if key in self._cards:
                return self._cards[key]
        found = _make_card(provider, names, rules, at_ms, context)
        with self._lock:
            self._cards[key] = found
        return found


def version_of(rules: PriceRules) -> str:
    """The library's version and, if there are own prices or discounts, how often they were changed: ``0.2.3+7``."""
    return f"{library.library_version()}+{rules.revision}" if rules.revision else library.library_version()


def _make_card(
    provider: str, models: tuple[str, ...], rules: PriceRules, at_ms: int, context: tuple[tuple[str, str], ...]
) -> PriceCard | None:
    prices = next(_candidates(provider, models, rules, at_ms, dict(context)), None)
    if prices is None:
        return None
    discounts = (rules.find_discount(provider, model) for model in models)
    discount = next((found for found in discounts if found is not None), None)
    return PriceCard(prices, Fraction(1) if discount is None else 1 - Fraction(discount.percent) / 100)


def _candidates(
    provider: str, models: tuple[str, ...], rules: PriceRules, at_ms: int, context: dict[str, str]
) -> Iterator[list[Price]]:
    for model in models:
        own = rules.find_price(provider, model)
        if own is not None:
            yield make_prices(own)
    known = providers().get(provider)
    if known is not None and known.price_list is not None:
        for model in models:
            found = library.find_prices(known.price_list, model, at_ms, context)
            if found is not None:
                yield found
