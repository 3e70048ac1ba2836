"""Own prices are replaced as a whole; each change has a number and an event."""

from pathlib import Path

import pytest

from ari.base.errors import Invalid
from ari.base.master_key import MasterKeys
from ari.prices.library import library_version
from ari.prices.replace import get_prices, replace_prices
from tests.support.clock import FrozenClock
from tests.unit.integrations.memory import MemoryIntegrationTransaction

GPT = {"model": "openai/gpt-5*", "input_usd": "1", "output_usd": "0"}
CLAUDE = {"model": "anthropic/*", "percent": "10"}


@pytest.fixture
def tx(data_dir: Path) -> MemoryIntegrationTransaction:
    """An instance without own prices."""
    return MemoryIntegrationTransaction(FrozenClock(), MasterKeys(data_dir))


def test_each_change_has_a_number_and_an_event(tx: MemoryIntegrationTransaction) -> None:
    """The event has the old and the new prices of the models that differ; the same rules again change nothing."""
    assert get_prices(tx)["version"] == library_version()
    for _ in range(2):
        assert replace_prices(tx, {"prices": [GPT]})["version"] == f"{library_version()}+1"
    found = replace_prices(tx, {"prices": [GPT], "discounts": [CLAUDE]})
    assert found == get_prices(tx)
    assert found["version"] == f"{library_version()}+2"
    assert replace_prices(tx, {})["version"] == f"{library_version()}+3"
    nothing: dict[str, list[dict[str, str]]] = {"prices": [], "discounts": []}
    price, discount, both = (
        nothing | {"prices": [GPT]},
        nothing | {"discounts": [CLAUDE]},
        ["anthropic/*", GPT["model"]],
    )
    assert {event.name for event in tx.events.all} == {"ai_prices_changed"}
    assert [event.detail for event in tx.events.all] == [
        {"revision": 1, "models": [GPT["model"]], "from": nothing, "to": price},
        {"revision": 2, "models": ["anthropic/*"], "from": nothing, "to": discount},
        {"revision": 3, "models": both, "from": discount | {"prices": [GPT]}, "to": nothing},
    ]


def test_invalid_prices_change_nothing(tx: MemoryIntegrationTransaction) -> None:
    """Not even the number."""
    replace_prices(tx, {"prices": [GPT]})
    with pytest.raises(Invalid):
        replace_prices(tx, {"prices": [GPT | {"input_usd": "1 EUR"}]})
    assert get_prices(tx)["version"].endswith("+1")
