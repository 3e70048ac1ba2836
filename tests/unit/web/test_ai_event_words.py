"""Events about budgets and aliases in words: whose, how much, and what changed from what to what."""

from typing import Any

import pytest

from ari.base.events import Event, Origin
from ari.web.ai_event_words import describe_changes
from ari.web.event_words import describe_event
from tests.support.instances import START_MS

MONTHLY = {"name": "monthly", "amount_usd": "25.00", "amount_tokens": None, "period": "month", "hard": True}
BURST = {"name": "burst", "amount_usd": None, "amount_tokens": 2000, "period": "rolling", "window": "1h", "hard": False}
RAISED = MONTHLY | {"increases": [{"amount_usd": "10.00", "amount_tokens": None, "ends_at": None}]}


def _event(name: str, **detail: Any) -> Event:
    return Event("evt_1", START_MS, name, "usr_1", "con_1", Origin("web"), detail)


def _change(name: str, before: object, after: object) -> Event:
    return _event(name, **{"from": before, "to": after})


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            _event(
                "budget_threshold_reached",
                budget="monthly",
                threshold=80,
                used_percent=81,
                used_usd="20.40",
                limit_usd="25.00",
            ),
            "Budget monthly used to 81 %: 20.40 US dollars of 25.00 US dollars",
        ),
        (
            _event("budget_threshold_reached", budget="burst", threshold=100, used_tokens=2_100, limit_tokens=2_000),
            "Budget burst used up (100 %): 2,100 tokens of 2,000 tokens",
        ),
        (
            _event(
                "budget_threshold_reached",
                budget="team",
                threshold=100,
                used_percent=83,
                used_usd="0.25",
                limit_usd="0.30",
            ),
            "Budget team has too little left for a request, 83 % used: 0.25 US dollars of 0.30 US dollars",
        ),
        (
            _event("key_budget_increased", budget="monthly", amount_usd="10.00"),
            "Budget monthly increased by 10.00 US dollars",
        ),
        (_event("key_budgets_reset", budgets=["monthly", "burst"]), "Key budgets reset: monthly, burst"),
        (
            _change("key_budgets_changed", [MONTHLY], [MONTHLY | {"amount_usd": "30.00"}]),
            "Key budgets changed: monthly from 25.00 US dollars per month to 30.00 US dollars per month",
        ),
        (
            _change("consumer_budgets_changed", [MONTHLY], [BURST]),
            "Consumer budgets changed: monthly removed; burst 2,000 tokens in 1h (soft)",
        ),
        (
            _change(
                "ai_budgets_changed",
                {"instance": [MONTHLY], "providers": {}},
                {"instance": [RAISED], "providers": {"openai": [BURST]}},
            ),
            (
                "Shared budgets changed: monthly of the instance from 25.00 US dollars per month"
                " to 25.00 US dollars per month plus 10.00 US dollars once; burst of openai 2,000 tokens in 1h (soft)"
            ),
        ),
        (
            _event(
                "ai_aliases_changed", **{"from": {"fast": ["groq/x"], "old": ["a/b"]}, "to": {"fast": ["a/b", "c/d"]}}
            ),
            "Model aliases changed: fast from groq/x to a/b c/d; old removed",
        ),
        (
            _event(
                "ai_prices_changed",
                revision=2,
                **{
                    "from": {"prices": [{"model": "openai/x", "input_usd": "1.10"}], "discounts": []},
                    "to": {
                        "prices": [{"model": "openai/x", "input_usd": "1.20", "cached_input_usd": "0.1"}],
                        "discounts": [{"model": "groq/*", "percent": "15"}],
                    },
                },
            ),
            "Model prices changed: openai/x from input 1.10 to input 1.20, cached input 0.1; groq/* to 15 % off",
        ),
        (_event("ai_prices_changed", **{"from": 7, "to": {"prices": [None], "discounts": {}}}), "Model prices changed"),
        (
            _event("ai_aliases_changed", changed={"fast": ["openai/gpt-5-mini"], "old": []}, count=2),
            "Model aliases changed: fast to openai/gpt-5-mini; old removed",
        ),
    ],
)
def test_values_are_said(event: Event, words: str) -> None:
    """An audit shows old and new values."""
    assert describe_event(event) == words


def test_long_lists_end_with_their_number() -> None:
    """A line of the page stays readable."""
    changed = {f"a{n}": ["openai/x"] for n in range(9)}
    words = describe_changes(_event("ai_aliases_changed", changed=changed, count=9))
    assert words is not None
    assert words.endswith("a5 to openai/x; and 3 more")
