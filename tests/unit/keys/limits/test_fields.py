"""Limits and credits as people write them: each bound is one clear problem."""

from typing import Any

import pytest

from ari.base.errors import Invalid
from ari.keys.limits.fields import (
    MAX_UNITS,
    describe_limit,
    describe_rate,
    describe_refill,
    format_window,
    parse_credits,
    parse_limit_text,
    parse_limits,
    parse_window,
)
from ari.keys.limits.rules import Credits, Limit, Refill

NOW = 1_764_000_000_000


def locate_limit_problems(*limits: dict[str, Any]) -> list[str]:
    with pytest.raises(Invalid) as refused:
        parse_limits(limits)
    return [problem.location for problem in refused.value.problems]


def locate_credit_problems(given: dict[str, Any]) -> list[str]:
    with pytest.raises(Invalid) as refused:
        parse_credits(given, NOW)
    return [problem.location for problem in refused.value.problems]


def test_valid_limits() -> None:
    """The first and last of every bound, in the order given."""
    given = [{"limit": 1, "window": "1s"}, {"name": "a" * 40, "limit": MAX_UNITS, "window": "31d"}]
    expected = (Limit("default", 1, 1_000), Limit("a" * 40, MAX_UNITS, 31 * 86_400_000))
    assert parse_limits(given) == expected
    assert parse_limits([describe_limit(limit) for limit in expected]) == expected
    assert parse_limits([]) == ()


@pytest.mark.parametrize("name", ["", "a" * 41, "Default", "a b", "é", "-a", "a\n", 7, None, "credits", ["a"]])
def test_invalid_names(name: Any) -> None:
    """Lowercase letters, digits, - and _; ``credits`` is reserved."""
    assert locate_limit_problems({"name": name, "limit": 1, "window": "1m"}) == ["limits.0.name"]


@pytest.mark.parametrize("limit", [0, -1, MAX_UNITS + 1, 1.0, "5", True, None, [5]])
def test_invalid_amounts(limit: Any) -> None:
    """Whole numbers from 1 to 10^12."""
    assert locate_limit_problems({"limit": limit, "window": "1m"}) == ["limits.0.limit"]


@pytest.mark.parametrize(
    "window", ["", "1", "0s", "01s", "1.5m", "32d", "745h", "1w", "1m ", "-1s", "١m", 60, None, {}]
)
def test_invalid_windows(window: Any) -> None:
    """Whole seconds, minutes, hours or days, at most 31 days."""
    assert locate_limit_problems({"limit": 1, "window": window}) == ["limits.0.window"]


def test_all_problems_are_reported_together() -> None:
    """By the limit's place in the list; a second limit of one name is one of them."""
    good = {"limit": 1, "window": "1m"}
    assert locate_limit_problems(good, good, {"name": "x"}) == ["limits.1.name", "limits.2.limit", "limits.2.window"]
    assert locate_limit_problems(*({"name": f"n{number}"} | good for number in range(11))) == ["limits"]


@pytest.mark.parametrize(
    ("text", "window_ms", "shown"),
    [("90s", 90_000, "90s"), ("60s", 60_000, "1m"), ("24h", 86_400_000, "1d"), ("744h", 2_678_400_000, "31d")],
)
def test_windows_are_shown_in_the_largest_unit(text: str, window_ms: int, shown: str) -> None:
    """As people would write them."""
    assert parse_window(text) == window_ms
    assert format_window(window_ms) == shown


def test_rates_in_words() -> None:
    """As in the text of a 429."""
    assert describe_rate(Limit("default", 1, 86_400_000)) == "1 request per day"
    assert describe_rate(Limit("default", 1_000, 90_000)) == "1,000 requests per 90 seconds"


def test_limits_on_the_command_line() -> None:
    """``100/1m`` is the limit ``default``."""
    assert parse_limit_text("100/1m") == {"name": "default", "limit": 100, "window": "1m"}
    assert parse_limit_text("tokens=5/1d") == {"name": "tokens", "limit": 5, "window": "1d"}
    for text in ("", "100", "100/", "/1m", "=100/1m", "a=b=100/1m", "1e3/1m", "1" * 30 + "/1m", "-1/1m"):
        with pytest.raises(Invalid):
            parse_limits([parse_limit_text(text)])


def test_valid_credits() -> None:
    """A refill remembers when it was set; its hour and time zone may be left out."""
    assert parse_credits({"amount": 0}, NOW) == Credits(0)
    refill = {"amount": 5, "every": "month", "hour": 23, "time_zone": "Europe/Berlin"}
    credits_ = parse_credits({"amount": MAX_UNITS, "refill": refill}, NOW)
    assert credits_ == Credits(MAX_UNITS, Refill(5, "month", 23, "Europe/Berlin", NOW))
    assert credits_.refill is not None
    assert describe_refill(credits_.refill) == refill
    short = parse_credits({"amount": 1, "refill": {"amount": 1, "every": "day"}}, NOW)
    assert short.refill == Refill(1, "day", 0, "UTC", NOW)


@pytest.mark.parametrize(
    ("given", "locations"),
    [
        ({}, ["credits.amount"]),
        ({"amount": -1}, ["credits.amount"]),
        ({"amount": MAX_UNITS + 1}, ["credits.amount"]),
        ({"amount": True}, ["credits.amount"]),
        ({"amount": 1, "refill": {}}, ["credits.refill.amount", "credits.refill.every"]),
        ({"amount": 1, "refill": {"amount": 0, "every": "day"}}, ["credits.refill.amount"]),
        ({"amount": 1, "refill": {"amount": 1, "every": "week"}}, ["credits.refill.every"]),
        ({"amount": 1, "refill": {"amount": 1, "every": "day", "hour": 24}}, ["credits.refill.hour"]),
        ({"amount": 1, "refill": {"amount": 1, "every": "day", "hour": True}}, ["credits.refill.hour"]),
        ({"amount": 1, "refill": {"amount": 1, "every": "day", "time_zone": "Mars"}}, ["credits.refill.time_zone"]),
        ({"amount": 1, "refill": {"amount": 1, "every": "day", "time_zone": "../UTC"}}, ["credits.refill.time_zone"]),
        ({"amount": 1, "refill": {"amount": 1, "every": "day", "time_zone": ["UTC"]}}, ["credits.refill.time_zone"]),
        (
            {"amount": 1, "refill": {"amount": 1, "every": "day", "time_zone": "localtime"}},
            ["credits.refill.time_zone"],
        ),
    ],
)
def test_invalid_credits(given: dict[str, Any], locations: list[str]) -> None:
    """Each field that is wrong has its own problem."""
    assert locate_credit_problems(given) == locations
