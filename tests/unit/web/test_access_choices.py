"""The choices of the forms for a key's access."""

import pytest

from ari.keys import choose_default_preset, declare_scope, save_preset
from ari.keys.presets import PRESETS, SUGGESTED_PRESET, Preset
from ari.web.access_choices import OWN, read_access_choices
from tests.unit.keys.memory import MemoryTransaction


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_recognized_by_its_scopes(name: str) -> None:
    """The form opens on the choice that the key has, whatever the order; one scope more is a choice of its own."""
    choices = read_access_choices(MemoryTransaction())
    scopes = PRESETS[name].scopes
    assert choices.preset_name(tuple(reversed(scopes))) == name
    assert choices.preset_name((*scopes, "keys:verify")) == OWN
    assert choices.scopes_of(name, ["keys:write"]) == scopes


def test_checkboxes_count_only_for_a_custom_choice() -> None:
    """An unknown choice grants nothing; the command then refuses a key without scopes."""
    choices = read_access_choices(MemoryTransaction())
    assert choices.scopes_of(OWN, ["keys:read", "keys:*"]) == ("keys:read", "keys:*")
    assert choices.scopes_of("no-such-preset", ["*"]) == ()
    assert "keys:*" in choices.built_in
    assert "*" not in choices.built_in


def test_declared_scopes_and_presets_are_offered() -> None:
    """With the wildcard of their resource; the chosen default is suggested."""
    tx = MemoryTransaction()
    choices = read_access_choices(tx)
    assert (choices.suggested, choices.suggests_default) == (SUGGESTED_PRESET, False)
    declare_scope(tx, "orders:read", "List orders.")
    save_preset(tx, Preset("shop", "Shop", "What the shop needs.", ("orders:read",)))
    choose_default_preset(tx, "shop")
    choices = read_access_choices(tx)
    assert choices.custom["orders:read"] == "List orders."
    assert list(choices.custom) == ["orders:read", "orders:*"]
    assert (choices.suggested, next(iter(choices.presets))) == ("shop", "shop")
    assert choices.suggests_default
    assert choices.group(choices.custom) == {"orders": choices.custom}
    assert choices.scopes_of("shop", []) == ("orders:read",)
