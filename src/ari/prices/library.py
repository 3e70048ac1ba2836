"""The prices of the library ``genai-prices``, as bundled with the installed version: ARI never fetches newer ones.

Loading takes 0.2 s and 20 MB, so it happens in a process's first AI request and in a thread.
"""
# https://github.com/pydantic/genai-prices: prices/README.md, packages/python/genai_prices/types.py

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from ari.base.clock import SECOND_MS
from ari.prices.card import REQUESTS, Price

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, Provider

_OPTIONAL_FAMILIES = frozenset((REQUESTS, "tool_calls"))
"""Usage that a request may have besides its tokens. A response does not mention what it did not use."""
_REGION, _US_FACTOR = "inference_geo", Fraction(11, 10)
"""Anthropic's tokens cost more if they must stay in the US: https://docs.claude.com/en/docs/about-claude/pricing."""
_FEES = frozenset((REQUESTS, "web_searches"))


@cache
def library_version() -> str:
    """The version of the prices."""
    from importlib.metadata import version  # noqa: PLC0415 - 10 ms that only AI requests should cost

    return version("genai-prices")


def load() -> None:
    """Read the prices into memory."""
    library_version()
    _providers()
    _units()


def find_prices(price_list: str, model: str, at_ms: int, context: Mapping[str, str]) -> list[Price] | None:
    """The prices of a model at a time. ``None`` if the library doesn't know the model or has no price for it.

    ``price_list`` is the library's ID of a provider. ``context`` selects variants: ``{"service_tier": "flex"}``.
    A free model has no prices.
    """
    provider = _providers().get(price_list)
    found = None if provider is None else provider.find_model(model)
    if found is None or found.prices == []:
        return None
    selects = {name: value for name, value in context.items() if name != _REGION}
    prices = list(_prices(found.get_prices(datetime.fromtimestamp(at_ms / SECOND_MS, UTC), selects)))
    return [_raise_price(one) for one in prices] if context.get(_REGION) == "us" else prices


def _raise_price(price: Price) -> Price:
    if price.kind in _FEES:
        return price
    tiers = tuple((start, usd * _US_FACTOR) for start, usd in price.tiers)
    return replace(price, usd=price.usd * _US_FACTOR, tiers=tiers)


@cache
def _providers() -> dict[str, "Provider"]:
    from genai_prices.data import providers  # noqa: PLC0415 - see above

    return {provider.id: provider for provider in providers}


@cache
def _units() -> dict[str, tuple[str, dict[str, Any]]]:
    """The kind of usage and its description, by the name of its price."""
    from genai_prices.data_units import unit_data  # noqa: PLC0415 - see above

    return {unit.get("price_key", kind): (kind, unit) for kind, unit in unit_data.items()}


def _prices(model_price: "ModelPrice") -> Iterator[Price]:
    units = _units()
    priced = {name: value for name, value in vars(model_price).items() if name in units and value is not None}
    dimensions = {units[name][0]: units[name][1]["dimensions"].items() for name in priced}
    for name, value in priced.items():
        kind, unit = units[name]
        parents = frozenset(other for other, some in dimensions.items() if some < dimensions[kind])
        is_tiered = hasattr(value, "tiers")
        yield Price(
            kind,
            Fraction(value.base if is_tiered else value) / unit["per"],
            tuple((tier.start, Fraction(tier.price) / unit["per"]) for tier in value.tiers) if is_tiered else (),
            parents,
            is_required=not parents and unit["dimensions"]["family"] not in _OPTIONAL_FAMILIES,
        )
