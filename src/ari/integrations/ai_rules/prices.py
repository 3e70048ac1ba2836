"""The operator's own prices and discounts."""

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeVar

import msgspec

from ari.keys.model_rules import matches_model


class OwnPrice(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The operator's price of models that match ``model``, a pattern such as ``openai/gpt-5*``.

    ``per_request`` is in US dollars for each request, the others in US dollars per million tokens. Without a price,
    cached, cache-writing, audio and image tokens cost as much as others of the input or output. A price of tokens has
    both ``input`` and ``output``; with ``per_request`` alone, tokens cost nothing.
    """

    model: str
    input: Decimal | None = None
    output: Decimal | None = None
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    input_audio: Decimal | None = None
    output_audio: Decimal | None = None
    input_image: Decimal | None = None
    output_image: Decimal | None = None
    per_request: Decimal | None = None


class Discount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``percent`` off every price of models that match the pattern ``model``."""

    model: str
    percent: Decimal


_Entry = TypeVar("_Entry", OwnPrice, Discount)


class PriceRules(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Empty: the prices of the bundled library count. ``revision`` is how often the rules were changed."""

    prices: tuple[OwnPrice, ...] = ()
    discounts: tuple[Discount, ...] = ()
    revision: int = 0

    def find_price(self, provider: str, model: str) -> OwnPrice | None:
        """The own price of a model: of the patterns that match, that with the most characters counts."""
        return _find_longest(self.prices, provider, model)

    def find_discount(self, provider: str, model: str) -> Discount | None:
        """The discount on a model, found in the same way."""
        return _find_longest(self.discounts, provider, model)


def _find_longest(entries: Iterable[_Entry], provider: str, model: str) -> _Entry | None:
    fitting = [entry for entry in entries if matches_model(entry.model, provider, model)]
    return max(fitting, key=lambda entry: len(entry.model), default=None)
