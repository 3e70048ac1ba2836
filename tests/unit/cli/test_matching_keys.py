"""Commands for all keys of a consumer or with a tag: they list the keys, ask, and change exactly those."""

import pytest

from ari.cli import output
from ari.cli.local import affected_keys
from ari.keys.commands import bulk_by_filter
from tests.unit.cli.conftest import Ari


def test_all_keys_of_a_consumer_or_with_a_tag_are_changed_after_they_are_listed(ari: Ari) -> None:
    """Without a terminal they are listed and nothing is changed; --yes changes them, and no other key."""
    ari("consumers", "create", "Acme", "--external-id", "acme")
    for name in ("a", "b"):
        ari("keys", "create", name, "--consumer", "acme", "--tag", "t")
    ari("keys", "create", "other")

    def states() -> dict[str, str]:
        return {key["name"]: key["status"] for key in ari.json("keys", "list")["items"]}

    asked = ari("keys", "revoke", "--consumer", "acme", check=False)
    assert asked.code != 0
    assert all(word in asked.err for word in ("“a”", "“b”", "Revoke 2 keys?", "Pass --yes to confirm."))
    assert set(states().values()) == {"active"}
    assert ari("keys", "disable", "--tag", "t", "--yes").out == "Disabled 2 keys.\n"
    assert "key_" not in ari("keys", "disable", "--tag", "t").out
    changed = ari.json("keys", "expiry", "--tag", "t", "--expires", "7d", "--yes")["items"]
    assert {one["name"] for one in changed if one["expires_at"]} == {"a", "b"}
    ari("kinds", "add", "acme", "acme_", "--credits", "5", "--refill", "9/month")
    assert "5, refill 9/month" in ari("kinds", "list").out
    ari("keys", "create", "kind", "--kind", "acme")
    assert [key["name"] for key in ari.json("keys", "list", "--kind", "acme")["items"]] == ["kind"]
    assert ari("keys", "disable", "--kind", "acme", "--yes").out == "Disabled 1 key.\n"
    assert states() == {"kind": "disabled", "a": "disabled", "b": "disabled", "other": "active"}
    ari("keys", "revoke", "--kind", "acme", "--yes")
    ari(
        "keys", "delete", next(key["id"] for key in ari.json("keys", "list")["items"] if key["name"] == "kind"), "--yes"
    )
    ari("keys", "revoke", "--consumer", "acme", "--reason", "over", "--yes")
    assert states() == {"a": "revoked", "b": "revoked", "other": "active"}
    for words in (
        ("revoke",),
        ("disable", "a", "--tag", "t"),
        ("revoke", "--tag", "t", "--with-made"),
        ("revoke", "--consumer", "nobody", "--yes"),
        ("revoke", "--kind", "nothing", "--yes"),
        ("expiry", "--tag", "t", "--expires", "soon", "--yes"),
    ):
        refused = ari("keys", *words, check=False)
        assert (refused.code != 0, refused.out) == (True, ""), words


def test_keys_whose_kind_does_not_allow_the_expiry_are_named_and_left_out(ari: Ari) -> None:
    """The others change."""
    ari("kinds", "add", "short", "short_", "--max-days", "3")
    ari("keys", "create", "a", "--tag", "t")
    kept, _ = ari.create("b", "--tag", "t", "--kind", "short")
    ran = ari("keys", "expiry", "--tag", "t", "--expires", "7d", "--yes")
    assert ran.out == "Changed the expiry of 1 key.\n"
    assert ran.err == f"Left out “b” ({kept['id']}): A key of the kind short lives at most 3 days.\n"


def test_keys_that_changed_while_the_question_was_open_stop_the_command(
    ari: Ari, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exactly the listed keys are changed, or none, also when they take several steps."""
    monkeypatch.setattr(affected_keys, "MAX_KEYS_AT_ONCE", 2)
    monkeypatch.setattr(bulk_by_filter, "MAX_KEYS_AT_ONCE", 2)
    for name in ("a", "b", "c", "d", "e"):
        ari("keys", "create", name, "--tag", "t")

    def add_key(question: str, *, yes: bool) -> None:
        ari("keys", "create", question[:6], "--tag", "t")

    with monkeypatch.context() as asking:
        asking.setattr(output, "confirm", add_key)
        refused = ari("keys", "revoke", "--tag", "t", check=False)
    assert refused.code != 0
    assert "Nothing changed: the matching keys changed in the meantime." in refused.err
    assert {key["status"] for key in ari.json("keys", "list")["items"]} == {"active"}
    assert ari("keys", "revoke", "--tag", "t", "--yes").out == "Revoked 6 keys.\n"


def test_no_match_is_said(ari: Ari) -> None:
    """Piped, too: a header alone says nothing."""
    ari("consumers", "create", "Support", "--external-id", "support")
    ran = ari("keys", "revoke", "--consumer", "support", "--yes")
    assert ran.out == "No key matches that this would change. Nothing was changed.\n"
