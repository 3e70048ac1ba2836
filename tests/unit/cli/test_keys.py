"""``ari keys``: what it takes, what it prints, what it refuses."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ari import keys
from ari.base.caller import Caller
from ari.base.events import Origin
from ari.deps import Deps
from ari.keys import NewKey, token
from tests.support.command import Cli
from tests.support.terminal import at_terminal
from tests.unit.cli.conftest import Ari

KEY_FIELDS = {
    "id",
    "name",
    "hint",
    "scopes",
    "status",
    "created_at",
    "created_by",
    "expires_at",
    "revoked_at",
    "disabled",
    "may_rotate",
    "limits",
    "credits",
    "last_used_at",
    "request_count",
    "refused_count",
    "kind",
    "environment",
    "consumer",
    "tags",
    "metadata",
    "addresses",
    "models",
    "budgets",
}
COLUMNS = ["NAME", "PREFIX", "STATUS", "ACCESS", "EXPIRES", "LAST USED", "REQUESTS", "ID"]


def test_create_json_is_the_response_of_the_api(ari: Ari) -> None:
    """Exactly a key and its secret."""
    made = ari.json("keys", "create", "Laptop", "--expires", "90d", "--scope", "keys:read", "--scope", "api:read")
    assert made.keys() == {"key", "secret"}
    assert made["key"].keys() == KEY_FIELDS
    assert made["key"]["scopes"] == ["api:read", "keys:read"]
    assert made["key"]["hint"] == token.hint(made["secret"])
    assert made["key"]["created_by"].startswith("cli:")


def test_options_come_before_or_after_the_name(ari: Ari) -> None:
    """Order does not matter."""
    for words in (("--expires", "36h", "a"), ("a", "--expires", "36h")):
        key = ari.json("keys", "create", *words)["key"]
        created, expires = (datetime.fromisoformat(key[name]) for name in ("created_at", "expires_at"))
        assert (key["name"], expires - created) == ("a", timedelta(hours=36))


def test_without_an_expiry_a_key_never_ends(ari: Ari) -> None:
    """At the command line leaving it out means never."""
    assert ari.create()[0]["expires_at"] is None
    assert ari.create("b", "--expires", "never")[0]["expires_at"] is None


def test_an_exact_expiry_keeps_milliseconds(ari: Ari) -> None:
    """The requested time is stored, in UTC."""
    key, _ = ari.create("a", "--expires-at", "2099-01-31T13:00:00.1239+01:00")
    assert key["expires_at"] == "2099-01-31T12:00:00.123Z"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("",), "Enter a name that says what uses the key"),
        (("x" * 101,), "at most 100 characters"),
        (("a\nb",), "Control characters"),
        (
            ("x", "--expires", "45x"),
            "Use a duration such as 36h, 14d, 2w or 1y, or never, or set a time: expires_at (--expires-at).",
        ),
        (("x", "--expires", "1h", "--expires-at", "2099-01-01T00:00:00Z"), "not both"),
        (("x", "--expires-at", "2001-01-01T00:00:00Z"), "is in the past"),
        (("x", "--scope", "keys:everything"), "Unknown scope"),
    ],
)
def test_create_refuses_by_the_rules_of_every_door(ari: Ari, words: tuple[str, ...], said: str) -> None:
    """The sentences are those of the API, and nothing is made."""
    assert said in ari.refuse("keys", "create", *words)
    assert ari.json("keys", "list")["items"] == []


def test_create_names_all_problems(ari: Ari) -> None:
    """In one line, whichever check finds them."""
    words = ("--limit", "5", "--limit", "1/1m", "--refill", "x", "--tag", "No Tag", "--kind", "none", "--scope", "no:x")
    said = ari.refuse("keys", "create", "", *words)
    for part in ("Enter a name", "a limit such as", "a refill such as", "isn't a tag", "No such kind", "Unknown scope"):
        assert part in said
    assert ari.json("keys", "list")["items"] == []


def test_a_key_as_a_name_is_refused_and_not_repeated(ari: Ari) -> None:
    """A secret typed in the wrong place appears nowhere."""
    secret = token.mint()
    assert secret not in ari.refuse("keys", "create", secret)
    assert secret not in ari.refuse("keys", "show", secret)
    assert secret not in ari.refuse("usage", "--key", secret)


def test_list_by_status(ari: Ari) -> None:
    """Disabled keys count as active, expired and revoked ones as inactive."""
    keys = {name: ari.create(name, "--expires", "1h" if name == "expired" else "never")[0] for name in ("a", "expired")}
    keys |= {name: ari.create(name)[0] for name in ("revoked", "disabled")}
    ari("keys", "revoke", "--yes", keys["revoked"]["id"])
    ari("keys", "disable", keys["disabled"]["id"])
    ari.clock.advance(3601)
    for status, names in (("active", {"a", "disabled"}), ("inactive", {"expired", "revoked"}), ("all", set(keys))):
        assert {key["name"] for key in ari.json("keys", "list", "--status", status)["items"]} == names


def test_changes(ari: Ari) -> None:
    """Rename, rescope, re-expire, disable, enable; each says what it did."""
    key, _ = ari.create()
    key_id = key["id"]
    assert ari("keys", "rename", key_id, "Desktop").out == f"Renamed to “Desktop” ({key['hint']}, {key_id}).\n"
    named = f"“Desktop” ({key['hint']}, {key_id})"
    assert ari("keys", "scopes", key_id, "--scope", "keys:read").out == f"{named} now has scopes keys:read.\n"
    at = "2098-01-01T00:00:00Z"
    assert ari("keys", "expiry", key_id, "--expires-at", at).out == f"{named} now expires 2098-01-01T00:00:00.000Z.\n"
    assert ari("keys", "expiry", key_id, "--expires", "never").out == f"{named} no longer expires.\n"
    assert ari.json("keys", "scopes", key_id, "--scope", "usage:read")["scopes"] == ["usage:read"]
    assert ari.json("keys", "expiry", key_id, "--expires-at", "2099-01-01T00:00:00Z")["expires_at"].startswith("2099")
    assert ari.json("keys", "expiry", key_id, "--expires", "never")["expires_at"] is None
    assert ari.json("keys", "disable", key_id)["status"] == "disabled"
    assert ari.json("keys", "enable", key_id)["status"] == "active"
    names = [event["name"] for event in ari.json("events", "--subject", key_id)["items"]]
    assert names == [
        "key_enabled",
        "key_disabled",
        "key_expiry_changed",
        "key_expiry_changed",
        "key_scopes_changed",
        "key_expiry_changed",
        "key_expiry_changed",
        "key_scopes_changed",
        "key_renamed",
        "key_created",
    ]


@pytest.mark.parametrize("words", [("scopes",), ("expiry",)])
def test_a_change_without_a_change_is_a_usage_error(ari: Ari, words: tuple[str, ...]) -> None:
    """Nothing to do is a typing mistake."""
    key, _ = ari.create()
    assert ari("keys", *words, key["id"], check=False).code == 2


def test_revoke_is_final_and_may_be_repeated(ari: Ari) -> None:
    """The second time says the same; nothing brings it back."""
    key, _ = ari.create()
    first = ari.json("keys", "revoke", "--yes", key["id"], "--reason", "leaked")
    assert (first["status"], ari.json("keys", "revoke", key["id"])) == ("revoked", first)
    assert ari("keys", "revoke", key["id"]).out.startswith("Already revoked: ")
    assert "leaked" in ari("keys", "show", key["id"]).out
    assert "can't be changed or restored" in ari.refuse("keys", "enable", key["id"])


def test_revoking_names_the_keys_it_made(ari: Ari) -> None:
    """Keys made by a revoked key live on unless --with-made, and are named."""
    parent, _ = ari.create("Parent", "--scope", "*")
    instance = ari.instance()
    caller = Caller(parent["id"], Origin("api"), ("*",))
    made = Deps(instance, caller).do_sync(keys.create, NewKey("Child"))
    instance.close()
    ran = ari("keys", "revoke", "--yes", parent["id"])
    assert made.key.id in ran.err
    assert ari.json("keys", "show", made.key.id)["status"] == "active"
    assert ari("keys", "revoke", "--yes", parent["id"], "--with-made").err == ""
    assert ari.json("keys", "show", made.key.id)["status"] == "revoked"


def test_a_deleted_key_is_revoked_with_what_it_made(ari: Ari) -> None:
    """By its id; without --with-made there is nothing to revoke."""
    parent, _ = ari.create("Parent", "--scope", "*")
    instance = ari.instance()
    caller = Caller(parent["id"], Origin("api"), ("*",))
    made = Deps(instance, caller).do_sync(keys.create, NewKey("Child"))
    instance.close()
    ari("keys", "revoke", "--yes", parent["id"])
    ari("keys", "delete", "--yes", parent["id"])
    assert "No such API key" in ari.refuse("keys", "revoke", "--yes", parent["id"])
    ari("keys", "revoke", "--yes", "--with-made", parent["id"])
    assert ari.json("keys", "show", made.key.id)["status"] == "revoked"


def test_delete_only_of_dead_keys(ari: Ari) -> None:
    """A living key stays; a dead one leaves the list but keeps its usage."""
    key, _ = ari.create()
    assert "Only revoked and expired keys can be deleted" in ari.refuse("keys", "delete", key["id"])
    ari("keys", "revoke", "--yes", key["id"])
    assert ari("keys", "delete", "--yes", key["id"]).out == f"Deleted “Laptop” ({key['hint']}, {key['id']}).\n"
    assert ari.json("keys", "list")["items"] == []
    assert ari.json("usage", "--key", key["id"])["items"] == []


def _at_terminal(cli: Cli, *words: str, answer: str | None = None, columns: int = 160) -> tuple[int, str]:
    answers = [] if answer is None else [("[y/N] ", f"{answer}\n")]
    return at_terminal(words, cli.environment, Path(cli.folder), answers=answers, columns=columns)


def test_at_a_terminal_revoking_asks_and_names_the_key(cli: Cli) -> None:
    """A person confirms; no leaves all as it was."""
    cli("migrate", check=True)
    key, _ = cli.create_key("Laptop")
    code, screen = _at_terminal(cli, "keys", "revoke", key["id"], answer="n")
    assert code == 1
    assert all(word in screen for word in ("Laptop", key["hint"], key["id"]))
    assert cli.json("keys", "show", key["id"])["status"] == "active"
    assert _at_terminal(cli, "keys", "revoke", key["id"], answer="y")[0] == 0
    assert cli.json("keys", "show", key["id"])["status"] == "revoked"
    assert _at_terminal(cli, "keys", "delete", key["id"], "--yes")[0] == 0
    assert cli.json("keys", "list")["items"] == []


def test_json_goes_one_line_when_piped(ari: Ari) -> None:
    """Line-based tools get a response as a line."""
    ari.create()
    out = ari("keys", "list", "--json").out
    assert out.count("\n") == 1
    assert json.loads(out)["items"]


def test_a_key_is_found_by_a_name_that_it_alone_has(ari: Ari) -> None:
    """In any case, also to revoke it; for a name of several keys, the sentence lists their IDs."""
    only, _ = ari.create("Nightly report")
    assert ari.json("keys", "show", "nightly REPORT")["id"] == only["id"]
    twins = [ari.create("Twin")[0]["id"] for _ in range(2)]
    refused = ari.refuse("keys", "revoke", "Twin", "--yes")
    assert "2 keys match. Use one of these IDs: " in refused
    assert all(one in refused for one in twins)
    ari("keys", "revoke", twins[0], "--yes")
    assert ari.json("keys", "revoke", "Twin", "--yes")["id"] == twins[1]
    assert "No such key" in ari.refuse("keys", "show", "Nobody")
