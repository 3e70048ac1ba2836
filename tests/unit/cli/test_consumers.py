"""``ari consumers``, and the options of ``ari keys`` that name them."""

from tests.unit.cli.conftest import Ari


def test_a_consumer_and_its_key(ari: Ari) -> None:
    """Made, shown, changed and listed in words and as JSON."""
    made = ari.json("consumers", "create", "Acme", "--external-id", "x", "--metadata", "plan=pro", "--metadata", "n=5")
    assert made["metadata"] == {"plan": "pro", "n": 5}
    key, _ = ari.create("n", "--consumer", "x", "--tag", "b", "--tag", "a", "--environment", "test", "--address", "::1")
    assert (key["consumer"]["id"], key["tags"], key["addresses"]) == (made["id"], ["a", "b"], ["::1/128"])
    shown = ari("keys", "show", key["id"]).out
    for text in ("Acme (x)", "a b", "test", "::1/128"):
        assert text in shown
    assert ari.json("consumers", "show", "x")["key_count"] == 1
    assert "customer" not in ari.refuse("consumers", "delete", "x", "--yes")
    assert ari.json("keys", "assign", key["id"], "--consumer", "", "--tag", "")["tags"] == []
    assert ari.json("keys", "addresses", key["id"])["addresses"] == []
    changed = ari.json("consumers", "change", "x", "--name", "Acme Inc.", "--external-id", "")
    assert (changed["name"], changed["external_id"]) == ("Acme Inc.", None)
    assert [one["id"] for one in ari.json("consumers", "list", "--text", "ACME")["items"]] == [made["id"]]
    assert "Acme Inc." in ari("consumers", "list").out
    ari("consumers", "delete", made["id"], "--yes")
    assert ari.json("consumers", "list") == {"items": []}


def test_mistakes_are_one_sentence(ari: Ari) -> None:
    """With the way out."""
    assert "No such consumer" in ari.refuse("keys", "create", "n", "--consumer", "nobody")
    assert "isn't an IP address" in ari.refuse("keys", "create", "n", "--address", "home")
    assert "isn't a tag" in ari.refuse("keys", "create", "n", "--tag", "No Tag")
    assert ari("keys", "create", "n", "--metadata", "novalue", check=False).code == 2
    assert ari("keys", "assign", "n", check=False).code == 2


def test_the_limits_that_its_keys_share(ari: Ari) -> None:
    """Set, shown, reset, topped up and removed."""
    made = ari.json("consumers", "create", "Acme", "--external-id", "x", "--limit", "5/1m", "--credits", "9")
    assert (made["limits"][0]["limit"], made["credits"]["granted"]) == (5, 9)
    assert "5 of 5 left per minute" in ari("consumers", "show", "x").out
    ari("consumers", "change", "x", "--limit", "6/1m", "--refill", "20/month")
    assert ari.json("consumers", "reset-limits", "x", "--yes")["remaining"][0]["remaining"] == 6
    assert ari.json("consumers", "add-credits", "x", "4")["remaining"][1]["remaining"] == 13
    assert ari.json("consumers", "change", "x", "--limit", "")["limits"] == []
    assert ari("consumers", "change", "x", check=False).code == 2


def test_keys_are_listed_by_consumer_and_tag(ari: Ari) -> None:
    """Filters apply together, in the chosen order."""
    ari("consumers", "create", "Acme", "--external-id", "x")
    for name, *tags in (("b", "--tag", "t"), ("a", "--tag", "t"), ("c",)):
        ari.create(name, "--consumer", "x", *tags)
    ari.create("other", "--tag", "t", "--environment", "test")

    def list_lines(*options: str) -> list[str]:
        return [key["name"] for key in ari.json("keys", "list", *options)["items"]]

    assert list_lines("--consumer", "x", "--tag", "t", "--sort", "name") == ["a", "b"]
    assert list_lines("--consumer", "x", "--sort", "-name") == ["c", "b", "a"]
    assert list_lines("--tag", "t", "--environment", "test") == ["other"]
    assert list_lines("--text", "OTH", "--show", "never-used") == ["other"]
    assert list_lines("--tag", "nothing") == []
    assert "No such consumer" in ari.refuse("keys", "list", "--consumer", "nobody")
    assert ari("keys", "list", "--sort", "size", check=False).code == 2
