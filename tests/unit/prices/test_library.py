"""The library's prices: our arithmetic gives what the library's own gives, and nothing is fetched."""

import math
import random
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from genai_prices import Usage
from genai_prices.data import providers as library_providers

from ari.base.clock import HOUR_MS, SECOND_MS
from ari.base.money import MICROS_PER_USD
from ari.integrations.providers import providers
from ari.prices import library
from ari.prices.card import PriceCard
from ari.usage.ai import TokenUsage

MAX_MODELS = 60
AT_MS = 1_795_000_000_000
"""In November 2026."""
CONTEXTS: tuple[dict[str, str], ...] = (
    {},
    {"service_tier": "flex"},
    {"service_tier": "priority"},
    {"speed": "fast"},
    {"processing": "batch"},
)
LISTS = sorted(found.price_list for found in providers().values() if found.price_list is not None)


def make_usage(chance: random.Random) -> dict[str, int]:
    """Amounts that a response may report, none in contradiction with another."""
    found = {"input_tokens": chance.choice((0, 999, 5_001, 250_001)), "output_tokens": chance.randrange(9_999)}
    if chance.random() < 0.5:
        found["cache_read_tokens"] = chance.randrange(found["input_tokens"] // 4 + 1)
        found["cache_write_tokens"] = chance.randrange(found["input_tokens"] // 4 + 1)
        found["cache_write_1h_tokens"] = chance.randrange(found["cache_write_tokens"] + 1)
    else:
        found["input_audio_tokens"] = chance.randrange(found["input_tokens"] // 4 + 1)
        found["input_image_tokens"] = chance.randrange(found["input_tokens"] // 4 + 1)
    found["output_reasoning_tokens"] = chance.randrange(found["output_tokens"] // 4 + 1)
    found["output_audio_tokens"] = chance.randrange(found["output_tokens"] // 4 + 1)
    if chance.random() < 0.2:
        found["web_searches"] = chance.randrange(5)
    return found


def read_usage(amounts: dict[str, int]) -> TokenUsage:
    """The same amounts as a meter would report them."""
    return TokenUsage(
        "m",
        amounts["input_tokens"],
        amounts["output_tokens"],
        amounts.get("cache_read_tokens"),
        amounts.get("cache_write_tokens"),
        amounts.get("output_reasoning_tokens"),
        amounts,
    )


def models_of(price_list: str) -> Iterator[tuple[Any, Any]]:
    """The library's provider, with each model that has a price for tokens alone."""
    [provider] = [one for one in library_providers if one.id == price_list]
    for model in provider.models:
        names = vars(model.get_prices(datetime.fromtimestamp(AT_MS / SECOND_MS, UTC)))
        if not any(name.endswith(("_hours", "_mchars", "_kpages", "messages_kcount")) for name in names):
            yield provider, model


@pytest.mark.parametrize("price_list", LISTS)
def test_our_cost_is_the_librarys(price_list: str) -> None:
    """For models of each provider, at several times of day, in each context, with random usage; rounded up."""
    chance = random.Random(price_list)
    compared = 0
    models = list(models_of(price_list))
    for provider, model in chance.sample(models, min(len(models), MAX_MODELS)):
        for context in CONTEXTS:
            at_ms = AT_MS + chance.randrange(24) * HOUR_MS
            prices = library.find_prices(price_list, model.id, at_ms, context)
            matched = provider.find_model(model.id)
            if prices is None or matched is None:
                continue
            amounts = make_usage(chance)
            at = datetime.fromtimestamp(at_ms / SECOND_MS, UTC)
            expected = matched.calc_price(
                Usage(**amounts), provider, genai_request_timestamp=at, price_context=context or None
            ).total_price
            cost = PriceCard(prices).cost_micros(read_usage(amounts))
            assert cost == math.ceil(expected * MICROS_PER_USD), (model.id, context, amounts)
            compared += 1
    assert compared > 30


def test_every_list_is_the_librarys() -> None:
    """A provider's list that the library doesn't have would make all its costs unknown."""
    assert set(LISTS) <= {one.id for one in library_providers}
    assert len(LISTS) == 9


def test_unknown_models_have_no_price() -> None:
    """Nor has any model of a provider that the library doesn't know."""
    assert library.find_prices("openai", "my-own-model", AT_MS, {}) is None
    assert library.find_prices("nobody", "gpt-5", AT_MS, {}) is None


def test_a_free_model_has_no_prices() -> None:
    """That is not the same as an unknown one."""
    assert library.find_prices("openai", "omni-moderation-latest", AT_MS, {}) == []


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices come with the package; the library's own updates are never started."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    library.load()
    assert library.find_prices("openai", "gpt-5", AT_MS, {})
    assert library.library_version().count(".") == 2
