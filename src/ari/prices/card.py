"""The price card of one model: what each kind of usage costs, and the exact cost of a request's usage.

Kinds of usage overlap: tokens read from a cache are among the input tokens, and audio tokens may be among both. Each
token is charged once, at the price of the most specific kind that the card knows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from ari.base.money import MICROS_PER_USD
from ari.usage.ai import TokenUsage

REQUESTS = "requests"
"""The kind of usage that each request has once."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for each unit of one kind of usage.

    From more than ``start`` input tokens on, the price of the last such tier holds for all tokens of the request.
    ``parents`` are the kinds that include this one. Without ``is_required``, an unknown amount counts as none.
    """

    kind: str
    usd: Fraction
    tiers: tuple[tuple[int, Fraction], ...] = ()
    parents: frozenset[str] = frozenset()
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class _Rate:
    """A price in integers: ``micros`` divided by the card's denominator.

    ``within`` are the positions of the kinds that this one includes. It is the common part of the ``overlapping``
    kinds.
    """

    kind: str
    micros: int
    tiers: tuple[tuple[int, int], ...]
    within: tuple[int, ...]
    overlapping: tuple[str, ...]
    is_required: bool


class PriceCard:
    """The prices of one model at one time, each times ``factor``. ``prices`` have one entry for each kind."""

    __slots__ = ("_denominator", "_has_tiers", "_rates")

    def __init__(self, prices: Iterable[Price], factor: Fraction = Fraction(1)) -> None:
        ordered = sorted(prices, key=lambda price: (-len(price.parents), price.kind))
        micros = factor * MICROS_PER_USD
        every = [usd for price in ordered for usd in (price.usd, *(usd for _, usd in price.tiers))]
        self._denominator = lcm(*((usd * micros).denominator for usd in every))
        scale = micros * self._denominator
        self._has_tiers = any(price.tiers for price in ordered)
        parents = {price.kind: price.parents for price in ordered}
        self._rates = tuple(
            _Rate(
                price.kind,
                int(price.usd * scale),
                tuple((start, int(usd * scale)) for start, usd in price.tiers),
                tuple(place for place, other in enumerate(ordered) if price.kind in other.parents),
                _find_overlapping(price, parents),
                price.is_required,
            )
            for price in ordered
        )

    def has_price_of(self, kind: str) -> bool:
        """Whether this kind of usage has a price."""
        return any(rate.kind == kind for rate in self._rates)

    def cost_micros(self, usage: TokenUsage) -> int | None:
        """The cost, rounded up. ``None`` if a necessary amount is unknown, or the amounts contradict each other."""
        input_tokens = usage.input_tokens
        if self._has_tiers and input_tokens is None:
            return None
        own: list[int] = []
        total = 0
        for rate in self._rates:
            found = 1 if rate.kind == REQUESTS else usage.amount(rate.kind)
            if found is None:
                if rate.is_required or _have_all(usage, rate.overlapping):
                    return None
                found = 0
            for place in rate.within:
                found -= own[place]
            if found < 0:
                return None
            own.append(found)
            micros = rate.micros
            for start, of_tier in rate.tiers:
                if input_tokens is not None and input_tokens > start:
                    micros = of_tier
            total += found * micros
        return -(-total // self._denominator)


def _find_overlapping(price: Price, parents: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """The nearest kinds that include this one, if there are several: then none of them implies its amount."""
    known = [kind for kind in price.parents if kind in parents]
    nearest = [kind for kind in known if not any(kind in parents[other] for other in known)]
    return tuple(sorted(nearest)) if len(nearest) > 1 else ()


def _have_all(usage: TokenUsage, kinds: tuple[str, ...]) -> bool:
    return bool(kinds) and all(usage.amount(kind) for kind in kinds)
