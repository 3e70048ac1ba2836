"""``ari scopes``: the commands, and what they ask before keys lose a scope."""

import pytest

from ari.usage.scope_use import ScopeUse
from tests.unit.cli.conftest import Ari


@pytest.fixture
def ari_with_scope(ari: Ari) -> Ari:
    """An instance with one declared scope."""
    ari("scopes", "add", "orders:read", "List orders.")
    return ari


def test_a_scope_is_declared_described_granted_and_removed(ari_with_scope: Ari) -> None:
    """A whole life, with the JSON of the API."""
    ari = ari_with_scope
    assert ari.json("scopes", "add", "orders:write", "Create orders.")["built_in"] is False
    assert ari.json("scopes", "describe", "orders:write", "Create and cancel.")["description"] == "Create and cancel."
    key, _ = ari.create("Shop", "--scope", "orders:*")
    first = ari.json("scopes", "list")["items"][0]
    assert (first["name"], first["key_count"], first["created_by"][:4]) == ("orders:read", 1, "cli:")
    assert [one["id"] for one in ari.json("scopes", "keys", "orders:write")["items"]] == [key["id"]]
    assert "Removed orders:write." in ari("scopes", "remove", "orders:write").out
    assert [one["name"] for one in ari.json("scopes", "list")["items"] if not one["built_in"]] == ["orders:read"]


def test_the_list_names_who_declared_each(ari_with_scope: Ari) -> None:
    """Tab-separated when piped."""
    lines = ari_with_scope("scopes", "list").out.splitlines()
    assert lines[0].split("\t") == ["SCOPE", "DECLARED BY", "KEYS", "DESCRIPTION"]
    assert lines[1].split("\t") == ["orders:read", "custom", "0", "List orders."]
    assert lines[2].split("\t")[1] == "ARI"


def test_removing_names_the_keys_that_lose_it(ari_with_scope: Ari) -> None:
    """The question names the first five."""
    made = [ari_with_scope.create(f"Shop {number}", "--scope", "orders:read")[0] for number in range(6)]
    sentence = ari_with_scope.refuse("scopes", "remove", "orders:read")
    assert "also from 6 active keys:" in sentence
    assert f"“Shop 5” ({made[5]['hint']})" in sentence
    assert "Shop 0" not in sentence
    assert sentence.partition("?")[0].endswith(", 1 more key")
    ari_with_scope("presets", "set", "shop", "--label", "S", "--description", "d", "--scope", "orders:read")
    assert "also from 6 active keys and 1 preset: " in ari_with_scope.refuse("scopes", "remove", "orders:read")
    said = ari_with_scope("scopes", "remove", "orders:read", "--yes").out
    assert said == "Removed orders:read from 6 active keys and 1 preset.\n"
    assert ari_with_scope.json("keys", "show", made[0]["id"])["scopes"] == []


def test_a_key_that_got_the_scope_after_the_question_keeps_it(
    ari_with_scope: Ari, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Yes counts for the keys that were named."""
    ari_with_scope.create("Named", "--scope", "orders:read")
    late = []

    def agree(question: str, *, yes: bool) -> None:
        late.append(ari_with_scope.create("Late", "--scope", "orders:read")[0]["id"])

    monkeypatch.setattr("ari.cli.output.confirm", agree)
    ran = ari_with_scope("scopes", "remove", "orders:read", check=False)
    assert "2 active keys list this scope" in ran.err
    assert ari_with_scope.json("keys", "show", late[0])["scopes"] == ["orders:read"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("add", "keys:mine", "x"), "ARI reserves this resource for its own scopes. Choose another one."),
        (("add", "orders", "x"), "Use resource:action, such as orders:read"),
        (("add", "orders:read", "x"), "already declared"),
        (("add", "orders:new", "  "), "Describe what a key with this scope may do."),
        (("describe", "orders:new", "x"), "No such custom scope."),
        (("remove", "keys:read"), "ARI's own scopes can't be changed or removed."),
        (("keys", "orders:new"), "No such scope."),
    ],
)
def test_a_mistake_is_one_sentence(ari_with_scope: Ari, words: tuple[str, ...], sentence: str) -> None:
    """And changes nothing."""
    assert sentence in ari_with_scope.refuse("scopes", *words)


def test_unused_scopes_are_listed_with_the_command_that_removes_them(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the API and the page do, and with their words where the log proves nothing."""
    key = ari.json("keys", "create", "Shop", "--scope", "usage:read", "--scope", "keys:read")["key"]
    advice = ari.json("keys", "unused-scopes", key["id"])
    assert (advice["unused"], advice["kept"], advice["gap"]) == ([], [], "young_log")
    assert ari("keys", "unused-scopes", key["id"]).out.endswith("The usage log is younger than 90 days.\n")
    found = ScopeUse(("keys:read",), ("usage:read",))
    monkeypatch.setattr("ari.cli.local.unused_scope_advice.find_unused_scopes", lambda *_: found)
    told = ari("keys", "unused-scopes", key["id"]).out
    assert "hasn't used these scopes in 90 days: keys:read" in told
    command = told.splitlines()[-1].removeprefix("Remove them: ari ").split()
    assert ari.json(*command)["scopes"] == ["usage:read"]
    monkeypatch.setattr(
        "ari.cli.local.unused_scope_advice.find_unused_scopes", lambda *_: ScopeUse((), ("usage:read",))
    )
    assert "Nothing to remove" in ari("keys", "unused-scopes", key["id"]).out
