"""``ari keys limits`` and ``ari keys credits``: the words of the command line become the rules of the key."""

from typing import Any

import pytest

from tests.unit.cli.conftest import Ari


def read_remaining(ari: Ari, key_id: str) -> dict[str, Any]:
    shown = ari.json("keys", "limits", "show", key_id)
    return {one["name"]: one["remaining"] for one in shown["remaining"]}


def test_a_key_is_created_with_limits_and_credits(ari: Ari) -> None:
    """As the API would create it."""
    words = ("--limit", "100/1m", "--limit", "daily=5000/1d", "--credits", "10", "--refill", "20/month")
    made, _ = ari.create("n", *words, "--time-zone", "Europe/Berlin")
    assert made["limits"] == [
        {"name": "default", "limit": 100, "window": "1m"},
        {"name": "daily", "limit": 5000, "window": "1d"},
    ]
    refill = {"amount": 20, "every": "month", "hour": 0, "time_zone": "Europe/Berlin"}
    assert made["credits"] == {"granted": 10, "refill": refill}
    assert read_remaining(ari, made["id"]) == {"default": 100, "daily": 5000, "credits": 10}
    shown = ari("keys", "show", made["id"]).out
    assert "100 of 100 left per minute" in shown
    assert "10 left" in shown


def test_limits_and_credits_are_changed(ari: Ari) -> None:
    """Set, reset, topped up and removed; each shows what remains."""
    key_id = ari.create()[0]["id"]
    assert "There are no limits." in ari("keys", "limits", "show", key_id).out
    ari("keys", "limits", "set", key_id, "--limit", "5/1h")
    ari("keys", "credits", "set", key_id, "7", "--refill", "9/day", "--refill-hour", "3")
    ari("keys", "credits", "add", key_id, "4")
    assert read_remaining(ari, key_id) == {"default": 5, "credits": 11}
    ari("keys", "limits", "reset", key_id, "--limit", "default", "--yes")
    ari("keys", "credits", "remove", key_id, "--yes")
    assert read_remaining(ari, key_id) == {"default": 5}
    ari("keys", "limits", "remove", key_id, "--yes")
    assert read_remaining(ari, key_id) == {}


@pytest.mark.parametrize(
    "words",
    [
        ("limits", "set"),
        ("limits", "set", "--limit", "100"),
        ("limits", "set", "--limit", "0/1m"),
        ("limits", "reset", "--yes"),
        ("limits", "reset", "--yes", "--limit", "other"),
        ("credits", "set", "-1"),
        ("credits", "set", "5", "--refill", "5/week"),
        ("credits", "set", "5", "--refill", "5/day", "--refill-hour", "24"),
        ("credits", "set", "5", "--refill", "5/day", "--time-zone", "Mars"),
        ("credits", "add", "0"),
        ("credits", "add", "5"),
    ],
)
def test_mistakes_change_nothing(ari: Ari, words: tuple[str, ...]) -> None:
    """A sentence on standard error, and the key is as it was."""
    key_id = ari.create()[0]["id"]
    failed = ari(*("keys", words[0], words[1]), key_id, *words[2:], check=False)
    assert failed.code != 0
    assert read_remaining(ari, key_id) == {}
