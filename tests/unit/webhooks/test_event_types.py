"""Types of events and patterns that choose them."""

import re

import pytest

from ari.base.errors import Invalid
from ari.base.events import EVENT_NAMES
from ari.webhooks.event_types import EVENT_TYPES, NAMES, list_groups, matches, parse_patterns, type_of


@pytest.mark.parametrize(
    ("name", "event_type"),
    [
        ("key_revoked", "key.revoked"),
        ("keys_imported", "keys.imported"),
        ("key_new_address", "key.new_address"),
        ("dead_key_called", "key.dead_key_called"),
        ("provider_key_rejected", "provider_key.rejected"),
        ("master_key_rotated", "master_key.rotated"),
        ("signed_in", "account.signed_in"),
        ("two_factor_disabled", "account.two_factor_disabled"),
        ("default_preset_changed", "preset.default_preset_changed"),
        ("ai_budgets_changed", "ai.budgets_changed"),
        ("clock_stepped", "instance.clock_stepped"),
        ("added_in_a_later_version", "instance.added_in_a_later_version"),
    ],
)
def test_types_never_change(name: str, event_type: str) -> None:
    """Receivers compare them; a new event can't change the type of another."""
    assert type_of(name) == event_type


def test_each_event_has_a_type_of_its_own() -> None:
    """Two parts with a dot, from which its name in the audit log is known."""
    assert len(EVENT_TYPES) == len(NAMES) == len(EVENT_NAMES)
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", one) for one in EVENT_TYPES)
    assert [NAMES[type_of(name)] for name in EVENT_NAMES] == list(EVENT_NAMES)
    assert "key" in list_groups()


def test_patterns() -> None:
    """All, a group or one type; a group isn't the beginning of another's name."""
    assert matches("*", "key.revoked")
    assert matches("key.*", "key.revoked")
    assert matches("key.revoked", "key.revoked")
    assert not matches("key.*", "keys.imported")
    assert not matches("key.revoke", "key.revoked")
    assert parse_patterns(["key.revoked", " key.* ", "key.revoked", ""]) == ("key.*", "key.revoked")
    assert parse_patterns(["key.*", "*"]) == ("*",)


@pytest.mark.parametrize(
    "patterns", [[], [""], ["key"], ["nothing.*"], ["key.*x"], ["*.*"], ["k" * 300], ["key.*"] * 0]
)
def test_a_pattern_for_nothing_is_refused(patterns: list[str]) -> None:
    """It would never match; the message repeats no text that may be a secret."""
    with pytest.raises(Invalid) as refused:
        parse_patterns(patterns)
    assert "k" * 50 not in str(refused.value)
    with pytest.raises(Invalid):
        parse_patterns([f"key.{'a' * number}" for number in range(1, 120)])
