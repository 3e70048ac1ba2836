"""``ari kinds``, ``ari keys create --kind`` and the kinds' prefixes in ``ari scan rules``."""

from tests.unit.cli.conftest import Ari


def test_a_kind_from_add_to_remove(ari: Ari) -> None:
    """The options are defaults of its keys; 0 days and other options change them."""
    added = ari("kinds", "add", "acme-live", "acme_live_", "--expires", "30d", "--scope", "keys:read").out
    assert added == 'Added acme-live. Use it: ari keys create "My client" --kind acme-live\n'
    key, secret = ari.create("Acme", "--kind", "acme-live")
    assert (secret[:10], key["kind"], key["scopes"]) == ("acme_live_", "acme-live", ["keys:read"])
    changed = ari.json("kinds", "change", "acme-live", "--max-days", "90", "--leak-action", "disable")
    assert (changed["max_lifetime_days"], changed["leak_action"], changed["expires"]) == (90, "disable", "30d")
    assert ari.json("kinds", "change", "acme-live", "--max-days", "0")["max_lifetime_days"] is None
    assert [kind["prefix"] for kind in ari.json("kinds", "list")["items"]] == ["acme_live_"]
    assert "acme_live_\t1\t30d" in ari("kinds", "list").out
    assert "1 key has this kind" in ari.refuse("kinds", "remove", "acme-live", "--yes")
    assert ari("kinds", "change", "acme-live", check=False).code == 2


def test_its_limits_are_those_of_new_keys(ari: Ari) -> None:
    """An empty --limit and --no-credits remove them, from the kind or from one key."""
    ari("kinds", "add", "acme", "acme_", "--limit", "100/1m", "--limit", "daily=5/1d", "--credits", "9")
    assert "100/1m daily=5/1d\t9" in ari("kinds", "list").out
    key, _ = ari.create("Acme", "--kind", "acme")
    assert ([one["name"] for one in key["limits"]], key["credits"]["granted"]) == (["default", "daily"], 9)
    free, _ = ari.create("Free", "--kind", "acme", "--limit", "", "--no-credits")
    assert (free["limits"], free["credits"]) == ([], None)
    assert ari("kinds", "change", "acme", "--no-credits", "--credits", "1", check=False).code == 2
    changed = ari.json("kinds", "change", "acme", "--limit", "", "--no-credits")
    assert (changed["limits"], changed["credits"]) == (None, None)


def test_its_budgets_and_models_are_those_of_new_keys(ari: Ari) -> None:
    """An empty --budget or --allow-model removes them, from the kind or from one key."""
    zone = ("--time-zone", "Europe/Berlin")
    ari("kinds", "add", "acme", "acme_", "--budget", "25usd/month", *zone, "--allow-model", "openai/gpt-5*")
    assert "25.00usd/month\topenai/gpt-5*" in ari("kinds", "list").out
    key, _ = ari.create("Acme", "--kind", "acme")
    assert (key["budgets"][0]["time_zone"], key["models"]["allow"]) == ("Europe/Berlin", ["openai/gpt-5*"])
    free, _ = ari.create("Free", "--kind", "acme", "--budget", "", "--allow-model", "")
    assert (free["budgets"], free["models"]) == ([], None)
    changed = ari.json("kinds", "change", "acme", "--budget", "9000tokens/day?")
    assert (changed["budgets"][0]["amount_tokens"], changed["models"]["allow"]) == (9_000, ["openai/gpt-5*"])
    cleared = ari.json("kinds", "change", "acme", "--budget", "", "--allow-model", "")
    assert (cleared["budgets"], cleared["models"]) == (None, None)


def test_scanners_find_keys_of_all_kinds(ari: Ari) -> None:
    """Those of the instance, and those that are named."""
    ari("kinds", "add", "acme", "acme_")
    rule = ari("scan", "rules", "gitleaks", "--prefix", "other_").out
    assert "(?:ari_k_|acme_|other_)" in rule
