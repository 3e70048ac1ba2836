"""``ari presets``: the commands."""

import pytest

from tests.unit.cli.conftest import Ari

SHOP = ("presets", "set", "shop", "--label", "Shop", "--description", "For the shop.", "--scope", "usage:read")


def test_a_preset_is_saved_chosen_and_removed(ari: Ari) -> None:
    """A change of one part keeps the others; keys show its label."""
    ari(*SHOP)
    changed = ari.json("presets", "set", "shop", "--label", "Web shop")
    assert (changed["label"], changed["description"], changed["scopes"]) == (
        "Web shop",
        "For the shop.",
        ["usage:read"],
    )
    assert "Web shop" in ari("presets", "default", "shop").out
    assert ari.create()[0]["scopes"] == ["usage:read"]
    assert "\tWeb shop\t" in ari("keys", "list").out
    shown = [one for one in ari.json("presets", "list")["items"] if one["default"]]
    assert [one["name"] for one in shown] == ["shop"]
    ari("presets", "default", "standard")
    assert ari("presets", "remove", "shop", "--yes").out == "Removed shop.\n"


def test_one_of_aris_own_is_reset(ari: Ari) -> None:
    """It asks, because the change is lost."""
    ari("presets", "set", "read-only", "--scope", "api:read")
    assert "Reset the preset Read only" in ari.refuse("presets", "remove", "read-only")
    ari("presets", "remove", "read-only", "--yes")
    assert "never changed" in ari.refuse("presets", "remove", "read-only", "--yes")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("set", "shop"), "Specify at least one scope."),
        (
            ("set", "own", "--scope", "api:read"),
            "Use up to 39 lowercase letters, digits and -, and begin with a letter",
        ),
        (("set", "shop", "--scope", "api:read"), "Enter a label"),
        (("default", "shop"), "No such preset."),
        (("remove", "shop"), "No such preset."),
    ],
)
def test_a_mistake_is_one_sentence(ari: Ari, words: tuple[str, ...], sentence: str) -> None:
    """And changes nothing."""
    assert sentence in ari.refuse("presets", *words)
