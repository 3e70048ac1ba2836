"""``ari policy``: rules are shown as they are, and 0 removes one."""

from tests.unit.cli.conftest import Ari


def test_rules_are_set_shown_and_removed(ari: Ari) -> None:
    """They bind the next command."""
    assert ari.json("policy", "show") == {"max_lifetime_days": None, "disable_unused_days": None}
    ari("policy", "set", "--max-lifetime-days", "30", "--disable-unused-days", "90")
    shown = ari("policy", "show").out
    assert "30 days" in shown
    assert "after 90 days" in shown
    assert "30 days" in ari.refuse("keys", "create", "n", "--expires", "never")
    previewed = ari.json("policy", "preview", "--max-lifetime-days", "7", "--disable-unused-days", "1")
    assert (previewed["max_lifetime_days"], previewed["unused_keys"], previewed["complete"]) == (7, 0, True)
    assert "0 keys (disabled within an hour)" in ari("policy", "preview", "--disable-unused-days", "1").out
    assert ari.json("policy", "show")["max_lifetime_days"] == 30
    assert ari.json("policy", "set", "--max-lifetime-days", "0")["max_lifetime_days"] is None
    ari("keys", "create", "n", "--expires", "never")


def test_bad_numbers_change_nothing(ari: Ari) -> None:
    """Each is one sentence."""
    assert "days" in ari.refuse("policy", "set", "--max-lifetime-days", "99999")
    assert ari("policy", "set", "--max-lifetime-days", "-1", check=False).code == 2
    assert ari("policy", "set", check=False).code == 2
    assert ari.json("policy", "show")["max_lifetime_days"] is None
