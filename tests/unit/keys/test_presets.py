"""Presets: what they are called, and which scopes a label means."""

import pytest

from ari.base.errors import Invalid
from ari.keys.presets import PRESETS, Preset, find_label, merge_presets, parse_label, parse_preset_name
from ari.keys.scopes import parse_scopes


def test_presets_of_ari_are_known_scopes_written_out() -> None:
    """A key stores the explicit list (security.md 13)."""
    for preset in PRESETS.values():
        assert set(parse_scopes(preset.scopes)) == set(preset.scopes)


def test_a_label_means_exactly_its_scopes() -> None:
    """Otherwise the scopes themselves are shown; a changed preset doesn't rename the access of older keys."""
    scopes = ("api:read", "keys:read", "usage:read")
    assert find_label(scopes) == "Read only"
    assert find_label(("keys:read",)) == "keys:read"
    assert find_label(()) == "No scopes"
    changed = merge_presets([Preset("read-only", "Read all", "d", ("keys:read",)), Preset("x", "X", "d", ("*",))])
    assert list(changed) == [*PRESETS, "x"]
    assert find_label(scopes, changed.values()) == "api:read, keys:read, usage:read"
    assert find_label(("keys:read",), changed.values()) == "Read all"


@pytest.mark.parametrize("name", ["", "own", "same", "A", "a_b", "a b", "-a", "a" * 40, "a\n", "é"])
def test_other_names_are_refused(name: str) -> None:
    """``own`` and ``same`` are choices of the forms."""
    with pytest.raises(Invalid):
        parse_preset_name(name)


@pytest.mark.parametrize("label", ["", " \u200b", "a\nb", "x" * 61])
def test_a_label_is_one_visible_line(label: str) -> None:
    """As names of keys are (security.md 15)."""
    with pytest.raises(Invalid):
        parse_label(label)
