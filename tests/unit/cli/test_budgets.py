"""``ari budgets``: the budgets of the instance and of its providers."""

import pytest

from tests.unit.cli.conftest import Ari

MONTHLY = ("--budget", "monthly=500usd/month")


def test_budgets_of_the_instance_are_changed(ari: Ari) -> None:
    """Set, increased once, reset and removed, under their own names; the output says what is left."""
    said = ari("budgets", "set", *MONTHLY, "--budget", "burst=9000tokens/1h?", "--time-zone", "Asia/Tokyo").out
    assert said.startswith("monthly\t500.00 of 500.00 US dollars left, until ")
    assert "burst\t9000 of 9000 tokens left" in said
    [monthly, burst] = ari.json("budgets", "increase", "10usd", "--budget", "monthly")["budget_use"]
    assert (monthly["name"], monthly["limit_usd"], burst["limit_tokens"]) == ("monthly", "510.00", 9_000)
    assert ari.json("budgets", "reset", "--budget", "burst", "--yes")["budget_use"][1]["used_tokens"] == 0
    assert ari.json("budgets", "list")["instance"][0]["time_zone"] == "Asia/Tokyo"
    assert ari("budgets", "remove", "--yes").out == "There are no budgets.\n"


def test_each_provider_has_its_own(ari: Ari) -> None:
    """A change of one leaves the others with what they have, named upstreams included. The list has what was added
    once, what is used and what remains."""
    ari("upstreams", "add", "vllm-a", "https://vllm.example.net")
    ari("budgets", "set", *MONTHLY)
    ari("budgets", "set", "--provider", "openai", "--budget", "200usd/day")
    ari("budgets", "increase", "1usd", "--provider", "openai")
    ari("budgets", "set", "--provider", "vllm-a", "--budget", "7000tokens/total")
    ari("budgets", "increase", "50tokens", "--provider", "vllm-a")
    listed = [line.split("\t")[:5] for line in ari("budgets", "list").out.splitlines()[1:]]
    assert listed == [
        ["instance", "monthly=500.00usd/month", "", "0.00usd", "500.00usd"],
        ["openai", "200.00usd/day", "+1.00usd", "0.00usd", "201.00usd"],
        ["vllm-a", "7000tokens/total", "+50tokens", "0tokens", "7050tokens"],
    ]
    ari("budgets", "remove", "--provider", "openai", "--yes")
    assert ari("budgets", "show", "--provider", "openai").out == "There are no budgets.\n"
    assert ari.json("budgets", "show", "--provider", "vllm-a")["budget_use"][0]["name"] == "default"
    assert ari.json("budgets", "show")["budget_use"][0]["name"] == "monthly"


def test_the_only_budget_needs_no_name(ari: Ari) -> None:
    """With several, the sentence lists their names."""
    ari("budgets", "set", *MONTHLY)
    assert ari.json("budgets", "increase", "10usd")["budget_use"][0]["limit_usd"] == "510.00"
    ari("budgets", "set", *MONTHLY, "--budget", "daily=50usd/day")
    assert "Pass --budget with one of: monthly, daily." in ari.refuse("budgets", "increase", "10usd")


def test_an_empty_budget_asks_before_it_removes_all(ari: Ari) -> None:
    """As ``remove`` does, unless ``--yes`` is passed."""
    ari("budgets", "set", *MONTHLY)
    assert "--yes" in ari.refuse("budgets", "set", "--budget", "")
    assert len(ari.json("budgets", "list")["instance"]) == 1
    assert ari("budgets", "set", "--budget", "", "--yes").out == "There are no budgets.\n"


def test_an_instance_without_budgets(ari: Ari) -> None:
    """Nothing is listed and nothing is left."""
    assert ari("budgets", "list").out == "FOR\tBUDGET\tINCREASED\tUSED\tREMAINING\tUNTIL\tTIME ZONE\n"
    assert ari("budgets", "show").out == "There are no budgets.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("set", "--budget", "25eur/month"), "Use a budget such as 25usd/month"),
        (("set", "--budget", "25usd/year"), "After the slash, use day, week, month, total or a length"),
        (("set", "--budget", "0usd/month"), "Use an amount above 0."),
        (("set", "--budget", "5usd/month", "--time-zone", "Nowhere"), "Use a time zone"),
        (("set", "--provider", "nobody", "--budget", "5usd/month"), "There is no such provider."),
        (("remove", "--provider", "nobody", "--yes"), "There is no such provider."),
        (("show", "--provider", "nobody"), "Unknown provider."),
        (("increase", "10"), "Use an amount such as 25usd"),
        (("increase", "10usd", "--budget", "other"), "There is no budget with this name."),
        (("increase", "10tokens", "--budget", "monthly"), "This budget needs amount_usd."),
        (("increase", "10usd", "--provider", "openai"), "This provider has no budgets."),
        (("reset", "--yes", "--budget", "other"), "Use names of budgets that exist: monthly."),
    ],
)
def test_a_mistake_is_one_sentence(ari: Ari, words: tuple[str, ...], sentence: str) -> None:
    """Nothing changes."""
    ari("budgets", "set", *MONTHLY)
    before = ari.json("budgets", "list")
    assert sentence in ari.refuse("budgets", *words)
    assert ari.json("budgets", "list") == before
