"""``ari keys budgets`` and those of consumers: the words of the command line become the budgets."""

import pytest

from tests.unit.cli.conftest import Ari


def test_a_key_is_created_with_budgets(ari: Ari) -> None:
    """In US dollars and tokens, hard and soft."""
    made, _ = ari.create("Bot", "--budget", "monthly=25usd/month", "--budget", "burst=5000tokens/1h?")
    listed = [
        (one["name"], one["amount_usd"], one["amount_tokens"], one["period"], one["hard"]) for one in made["budgets"]
    ]
    assert listed == [("monthly", "25.00", None, "month", True), ("burst", None, 5_000, "rolling", False)]


def test_the_periods_have_the_time_zone(ari: Ari) -> None:
    """Of keys and of consumers, when they are created and changed: a month that ends in UTC is another month."""
    zone = ("--budget", "25usd/month", "--time-zone", "Asia/Tokyo")
    made = (
        ari.create("Bot", *zone)[0],
        ari.json("consumers", "create", "Acme", "--external-id", "x", *zone),
        ari.json("consumers", "change", "x", *zone),
    )
    assert [one["budgets"][0]["time_zone"] for one in made] == ["Asia/Tokyo"] * 3


def test_a_key_and_a_consumer_show_what_is_left(ari: Ari) -> None:
    """Among their other facts, the consumer's budgets at its keys, too."""
    ari("consumers", "create", "Acme", "--external-id", "x", "--budget", "team=50usd/total")
    key_id = ari.create("Bot", "--consumer", "x", "--budget", "own=5000tokens/total")[0]["id"]
    assert "budget team\t50.00 of 50.00 US dollars left" in ari("consumers", "show", "x").out
    shown = ari("keys", "show", key_id).out
    assert "budget own\t5000 of 5000 tokens left" in shown
    assert "budget consumer:team\t50.00 of 50.00 US dollars left" in shown


def test_budgets_are_changed(ari: Ari) -> None:
    """Set, increased once, reset and removed; the output says what is left."""
    key_id = ari.create("Bot")[0]["id"]
    assert "There are no budgets." in ari("keys", "budgets", "show", key_id).out
    shown = ari("keys", "budgets", "set", key_id, "--budget", "25usd/month", "--time-zone", "Asia/Tokyo").out
    assert "25.00 of 25.00 US dollars left, until" in shown
    [use] = ari.json("keys", "budgets", "increase", key_id, "10usd")["budget_use"]
    assert (use["limit_usd"], use["remaining_usd"]) == ("35.00", "35.00")
    assert (
        ari.json("keys", "budgets", "reset", key_id, "--budget", "default", "--yes")["budget_use"][0]["used_usd"]
        == "0.00"
    )
    ari("keys", "budgets", "remove", key_id, "--yes")
    assert ari.json("keys", "show", key_id)["budgets"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("set",),
        ("set", "--budget", "25eur/month"),
        ("set", "--budget", "0usd/month"),
        ("increase", "10"),
        ("increase", "10usd", "--budget", "other"),
        ("reset", "--budget", "other"),
    ],
)
def test_budgets_that_are_wrong(ari: Ari, words: tuple[str, ...]) -> None:
    """One sentence and an exit code; nothing changes."""
    key_id = ari.create("Bot", "--budget", "1usd/day")[0]["id"]
    failed = ari("keys", "budgets", words[0], key_id, *words[1:], check=False)
    assert failed.code != 0
    assert failed.err.strip()
    assert ari.json("keys", "show", key_id)["budgets"][0]["amount_usd"] == "1.00"


def test_the_budgets_that_a_consumers_keys_share(ari: Ari) -> None:
    """Set with the consumer, increased, reset and removed."""
    made = ari.json("consumers", "create", "Acme", "--external-id", "x", "--budget", "50usd/total")
    assert made["budgets"][0]["period"] == "total"
    assert ari.json("consumers", "increase-budget", "x", "5usd")["budget_use"][0]["limit_usd"] == "55.00"
    assert ari.json("consumers", "reset-budgets", "x", "--yes")["budget_use"][0]["used_usd"] == "0.00"
    assert ari.json("consumers", "change", "x", "--budget", "")["budgets"] == []


def test_the_only_budget_is_increased_whatever_its_name(ari: Ari) -> None:
    """Of a key and of a consumer; with several, the sentence lists their names."""
    ari.create("Bot", "--budget", "monthly=25usd/month")
    assert ari.json("keys", "budgets", "increase", "Bot", "10usd")["budget_use"][0]["limit_usd"] == "35.00"
    ari("consumers", "create", "Acme", "--budget", "team=50usd/total")
    assert ari.json("consumers", "increase-budget", "Acme", "5usd")["budget_use"][0]["limit_usd"] == "55.00"
    ari("keys", "budgets", "set", "bot", "--budget", "monthly=25usd/month", "--budget", "daily=2usd/day")
    assert "Pass --budget with one of: monthly, daily." in ari.refuse("keys", "budgets", "increase", "Bot", "1usd")
    wrong = ari.refuse("keys", "budgets", "increase", "Bot", "1usd", "--budget", "weekly")
    assert "Use one of: monthly, daily." in wrong


def test_removing_the_budgets_of_a_key_asks(ari: Ari) -> None:
    """``set`` with an empty budget removes them all, so it asks as ``remove`` does, unless ``--yes`` is passed."""
    ari.create("Bot", "--budget", "25usd/month")
    for words in (("set", "Bot", "--budget", ""), ("remove", "Bot")):
        assert "--yes" in ari.refuse("keys", "budgets", *words)
        assert len(ari.json("keys", "show", "Bot")["budgets"]) == 1
    ari("keys", "budgets", "set", "Bot", "--budget", "", "--yes")
    assert ari.json("keys", "show", "Bot")["budgets"] == []


def test_what_is_not_given_stays(ari: Ari) -> None:
    """The time zone of a budget that keeps its name, and the zone and hour of a refill, at every command for them."""
    zone = ("--time-zone", "Asia/Tokyo")
    key = ari.create(
        "Bot", "--budget", "a=25usd/month", "--credits", "5", "--refill", "9/day", "--refill-hour", "6", *zone
    )[0]["id"]
    shared = ("--budget", "a=25usd/month", "--credits", "5", "--refill", "9/day", "--refill-hour", "6", *zone)
    ari("consumers", "create", "Acme", "--external-id", "x", *shared)
    ari("kinds", "add", "acme", "acme_", *shared)
    ari("budgets", "set", "--budget", "a=25usd/month", *zone)

    changed = ("--budget", "a=20usd/month", "--budget", "new=1usd/day")
    assert "Asia/Tokyo" in ari("keys", "budgets", "set", key, *changed).out
    assert (
        "to 2,000 monthly, on the first, at 06:00 Asia/Tokyo"
        in ari("keys", "credits", "set", key, "5", "--refill", "2000/month").out
    )
    said = ari("consumers", "change", "x", *changed, "--refill", "2000/month").out
    assert "at 06:00 Asia/Tokyo" in said
    ari("kinds", "change", "acme", *changed, "--refill", "2000/month")
    ari("budgets", "set", *changed)

    owners = [ari.json("keys", "show", key), ari.json("consumers", "show", "x")]
    owners += [one for one in ari.json("kinds", "list")["items"] if one["name"] == "acme"]
    lists = [*(one["budgets"] for one in owners), ari.json("budgets", "list")["instance"]]
    for budgets in lists:
        assert [(one["amount_usd"], one["time_zone"]) for one in budgets] == [("20.00", "Asia/Tokyo"), ("1.00", "UTC")]
    for one in owners:
        refill = one["credits"]["refill"]
        assert refill == {"amount": 2000, "every": "month", "hour": 6, "time_zone": "Asia/Tokyo"}


def test_an_increase_is_named_and_can_end(ari: Ari) -> None:
    """It survives another amount, so it is named wherever the budget is shown; 0 ends it."""
    key = ari.create("Bot", "--budget", "monthly=5usd/month")[0]["id"]
    assert "15.00 of 15.00 US dollars left (+10.00 USD once)" in ari("keys", "budgets", "increase", key, "10usd").out
    said = ari("keys", "budgets", "set", key, "--budget", "monthly=0.002usd/month").out
    assert "10.002 of 10.002 US dollars left (+10.00 USD once)" in said
    assert "0usd or 0tokens ends the one-time increase" in ari.refuse("keys", "budgets", "increase", "--", key, "-5usd")
    ended = ari("keys", "budgets", "increase", key, "0usd").out
    assert "0.002 of 0.002 US dollars left, until" in ended
    [use] = ari.json("keys", "show", key)["budget_use"]
    assert (use["increase_usd"], use["increase_tokens"]) == ("0.00", None)
