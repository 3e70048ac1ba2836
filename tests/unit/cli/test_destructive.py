"""Commands that destroy something ask first, and refuse without a terminal."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from ari.cli.lazy_commands import load_all
from ari.cli.main import app
from tests.unit.cli.conftest import Ari
from tests.unit.cli.owner import add_owner, with_two_factor

KEY = "sk-proj-0123456789abcdefABCDEF"

SAFE = {
    "account reset-password": "asks for the password twice, or reads it: that is the answer",
    "account set-email": "can be set back",
    "account show": "reads",
    "audit check": "reads",
    "audit export": "writes a new file, or continues one",
    "audit head": "reads",
    "audit verify": "reads",
    "backup file": "writes a new file; --force says to overwrite one",
    "backup list": "reads",
    "backup now": "removes what ARI_BACKUP_KEEP doesn't keep, as the schedule does",
    "backup verify": "reads",
    "budgets increase": "adds",
    "budgets list": "reads",
    "budgets set": "can be set back",
    "budgets show": "reads",
    "consumers add-credits": "adds",
    "consumers change": "can be set back",
    "consumers create": "adds",
    "consumers list": "reads",
    "consumers increase-budget": "adds",
    "consumers show": "reads",
    "database return-log": "copies; ClickHouse keeps its rows",
    "database take-log": "removes nothing; the other instance can take its table back",
    "database status": "reads",
    "doctor": "reads",
    "events export": "reads",
    "events list": "reads",
    "integrations add-key": "adds",
    "integrations change-key": "can be set back",
    "integrations list": "reads",
    "integrations replace-key": "stores what it was given",
    "integrations set": "stores what it was given",
    "integrations set-key-choice": "can be set back",
    "integrations show": "reads",
    "integrations test": "reads",
    "upstreams add": "adds",
    "upstreams list": "reads",
    "keys addresses": "can be set back",
    "keys assign": "can be set back",
    "keys allow-rotation": "can be undone: keys forbid-rotation",
    "keys create": "adds",
    "keys credits add": "adds",
    "keys credits set": "can be set back",
    "keys models": "can be set back",
    "keys enable": "can be undone: keys disable",
    "keys budgets increase": "adds",
    "keys budgets set": "can be set back",
    "keys budgets show": "reads",
    "keys limits set": "can be set back",
    "keys limits show": "reads",
    "keys import": "adds",
    "keys forbid-rotation": "can be undone: keys allow-rotation",
    "keys list": "reads",
    "kinds add": "adds",
    "kinds change": "can be set back; keys stay as they are",
    "kinds list": "reads",
    "keys rename": "can be set back",
    "keys scopes": "can be set back",
    "keys secret": "reads",
    "keys unused-scopes": "reads",
    "keys show": "reads",
    "keys verify": "consumes limits only with --cost",
    "me show": "reads",
    "migrate": "keeps what is there",
    "models aliases list": "reads",
    "models aliases remove": "can be set back",
    "models aliases set": "can be set back",
    "notifications history": "reads",
    "policy preview": "reads",
    "prices discount": "can be set back",
    "prices list": "reads",
    "prices remove": "can be set back",
    "prices set": "can be set back",
    "policy set": "can be set back; existing keys keep their expiry",
    "policy show": "reads",
    "notifications list": "reads",
    "notifications off": "can be undone: notifications on",
    "notifications on": "can be undone: notifications off",
    "notifications test": "sends a mail",
    "presets default": "can be set back",
    "presets list": "reads",
    "presets set": "can be set back",
    "restore": "fills a new instance; --force says to replace one",
    "scan rules": "prints",
    "scopes add": "adds",
    "scopes describe": "can be set back",
    "scopes keys": "reads",
    "scopes list": "reads",
    "serve": "starts the server",
    "usage": "reads",
    "usage addresses": "reads",
    "usage agents": "reads",
    "usage attempts": "reads",
    "usage export": "reads",
    "usage ai": "reads",
    "usage summary": "reads",
    "usage totals": "reads",
    "webhooks add": "adds",
    "webhooks deliveries": "reads",
    "webhooks list": "reads",
    "webhooks replay": "sends again what was sent or failed",
    "webhooks rotate-secret": "the old secret signs for a day; --retire-old-now says to end it",
    "webhooks set": "can be set back",
    "webhooks show": "reads",
    "webhooks test": "sends an event",
}
"""Commands that need no question, and why. A new command is added here, or asks."""


def _live_key(ari: Ari) -> list[str]:
    return ["keys", "revoke", ari.create()[0]["id"]]


def _rotate_key(*words: str) -> Callable[[Ari], list[str]]:
    """A key whose old secret still works."""

    def prepare(ari: Ari) -> list[str]:
        key = ari.create()[0]["id"]
        ari("keys", "rotate", key)
        return ["keys", *words, key]

    return prepare


def _parent(ari: Ari) -> list[str]:
    """A revoked key whose child still works: ``--with-made`` would revoke it."""
    parent, child = ari.create("Parent")[0]["id"], ari.create("Child")[0]["id"]
    ari("keys", "revoke", "--yes", parent)
    instance = ari.instance()
    with instance.database.main.begin() as connection:
        connection.exec_driver_sql("UPDATE api_keys SET created_by = ? WHERE id = ?", (parent, child))
    instance.close()
    return ["keys", "revoke", "--with-made", parent]


def _create_used_scope(ari: Ari) -> list[str]:
    ari("scopes", "add", "orders:read", "List orders.")
    ari.create("Shop", "--scope", "orders:read")
    return ["scopes", "remove", "orders:read"]


def _save_preset(ari: Ari) -> list[str]:
    ari("presets", "set", "shop", "--label", "Shop", "--description", "For the shop.", "--scope", "api:read")
    return ["presets", "remove", "shop"]


def _dead_key(ari: Ari) -> list[str]:
    key = ari.create()[0]["id"]
    ari("keys", "revoke", "--yes", key)
    return ["keys", "delete", key]


def _with_secret(*words: str) -> Callable[[Ari], list[str]]:
    def prepare(ari: Ari) -> list[str]:
        ari("integrations", "set", "openai", stdin=f"{KEY}\n")
        return ["integrations", *words]

    return prepare


def _provider_key(ari: Ari) -> list[str]:
    ari("integrations", "set", "openai", stdin=f"{KEY}\n")
    return ["integrations", "remove-key", "openai", ari.json("integrations", "show", "openai")["keys"][0]["id"]]


def _upstream(ari: Ari) -> list[str]:
    ari("upstreams", "add", "vllm-a", "https://vllm.example.net")
    return ["upstreams", "remove", "vllm-a"]


def _add_shared_budget(ari: Ari) -> list[str]:
    ari("budgets", "set", "--budget", "5usd/month")
    return ["budgets", "remove"]


def _remove_shared_budgets(ari: Ari) -> list[str]:
    ari("budgets", "set", "--budget", "5usd/month")
    return ["budgets", "set", "--budget", ""]


def _reset_shared_budgets(ari: Ari) -> list[str]:
    ari("budgets", "set", "--budget", "5usd/month")
    return ["budgets", "reset"]


def _consumer_with(*options: str, command: str) -> Callable[[Ari], list[str]]:
    return lambda ari: ["consumers", command, ari.json("consumers", "create", "Acme", *options)["id"]]


def _two_factor(ari: Ari) -> list[str]:
    instance = ari.instance()
    add_owner(instance)
    instance.close()
    with_two_factor(ari)
    return ["account", "disable-two-factor"]


def _old_events(ari: Ari) -> list[str]:
    ari.create("old")
    ari.clock.advance(100 * 86_400)
    ari.create("new")
    return ["audit", "prune", "--days", "30"]


def _cut_trail(ari: Ari) -> list[str]:
    """An audit log whose last event somebody removed."""
    for name in ("a", "b", "c"):
        ari.create(name)
    with closing(sqlite3.connect(ari.data_dir / "ari.db")) as connection, connection:
        connection.execute("DROP TRIGGER events_no_delete")
        connection.execute("DELETE FROM events WHERE seq = 3")
    ari("database", "accept", "--yes")
    return ["audit", "accept"]


def _webhook(ari: Ari) -> list[str]:
    made = ari.json("webhooks", "add", "Receiver", "https://hooks.invalid/", "--event", "scope.*")
    return ["webhooks", "delete", made["webhook"]["id"]]


def _kind(ari: Ari) -> list[str]:
    ari("kinds", "add", "acme", "acme_")
    return ["kinds", "remove", "acme"]


def _consumer(ari: Ari) -> list[str]:
    return ["consumers", "delete", ari.json("consumers", "create", "Acme")["id"]]


ASKS: dict[str, list[Callable[[Ari], list[str]]]] = {
    "account disable-two-factor": [_two_factor],
    "audit accept": [_cut_trail],
    "audit prune": [_old_events],
    "integrations remove": [_with_secret("remove", "openai")],
    "integrations remove-key": [_provider_key],
    "upstreams remove": [_upstream],
    "integrations set-url": [_with_secret("set-url", "openai", "https://proxy.example.net")],
    "budgets remove": [_add_shared_budget],
    "budgets set": [_remove_shared_budgets],
    "budgets reset": [_reset_shared_budgets],
    "consumers delete": [_consumer],
    "consumers reset-budgets": [_consumer_with("--budget", "5usd/month", command="reset-budgets")],
    "consumers reset-limits": [_consumer_with("--limit", "5/1m", command="reset-limits")],
    "integrations rotate-master-key": [lambda ari: (ari.create(), ["integrations", "rotate-master-key"])[1]],
    "master-key rotate": [lambda ari: (ari.create(), ["master-key", "rotate"])[1]],
    "keys budgets reset": [
        lambda ari: ["keys", "budgets", "reset", ari.create("Ai", "--budget", "5usd/month")[0]["id"]]
    ],
    "keys limits reset": [lambda ari: ["keys", "limits", "reset", ari.create("Slow", "--limit", "5/1m")[0]["id"]]],
    "keys credits remove": [lambda ari: ["keys", "credits", "remove", ari.create("Paid", "--credits", "5")[0]["id"]]],
    "keys delete": [_dead_key],
    "keys budgets remove": [
        lambda ari: ["keys", "budgets", "remove", ari.create("Ai", "--budget", "5usd/month")[0]["id"]]
    ],
    "keys budgets set": [
        lambda ari: ["keys", "budgets", "set", ari.create("Ai", "--budget", "5usd/month")[0]["id"], "--budget", ""]
    ],
    "keys limits remove": [lambda ari: ["keys", "limits", "remove", ari.create("Slow", "--limit", "5/1m")[0]["id"]]],
    "keys retire-old": [_rotate_key("retire-old")],
    "keys revoke": [_live_key, _parent],
    "kinds remove": [_kind],
    "webhooks delete": [_webhook],
    "presets remove": [_save_preset],
    "scopes remove": [_create_used_scope],
    "keys rotate": [
        lambda ari: ["keys", "rotate", "--overlap", "0s", ari.create()[0]["id"]],
        _rotate_key("rotate", "--retire-old-now"),
    ],
    "usage erase": [lambda _: ["usage", "erase", "--address", "192.0.2.7"]],
}


SHOWS_AND_ASKS = {"apply", "database accept", "keys disable", "keys expiry", "scan paths", "scopes import"} | {
    "audit take-over",
    "keys enable-restored",
    "me revoke",
    "me rotate",
}
"""Show what was lost or leaked, or what they would do; their own tests are in their own modules."""


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in getattr(group, "commands", {}).items():
        if not hasattr(command, "commands") or command.invoke_without_command:
            yield " ".join((*path, name)), command
        yield from _commands(command, (*path, name))


COMMANDS = dict(_commands(load_all(app)))


def test_every_command_asks_or_says_why_not() -> None:
    """A new command is judged, and one with ``--yes`` is one that asks."""
    assert set(COMMANDS) == set(SAFE) | set(ASKS) | SHOWS_AND_ASKS
    can_be_answered = {
        name for name, command in COMMANDS.items() if any("--yes" in option.opts for option in command.params)
    }
    assert can_be_answered == set(ASKS) | SHOWS_AND_ASKS


@pytest.mark.parametrize("prepare", [one for many in ASKS.values() for one in many])
def test_without_a_terminal_nothing_is_changed(ari: Ari, prepare: Callable[[Ari], list[str]]) -> None:
    """One sentence, status 1, and no event; a piped yes doesn't count; ``--yes`` does."""
    words = prepare(ari)
    before = ari.json("events", "--limit", "500")
    for stdin in ("", "y\n", "yes\n"):
        ran = ari(*words, stdin=stdin, check=False)
        assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1), ran
        assert "Nothing was changed, because this isn't a terminal." in ran.err
        assert "--yes" in ran.err
    assert ari.json("events", "--limit", "500") == before
    ari(*words, "--yes")
    assert ari.json("events", "--limit", "500") != before


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "yep\n"])
def test_only_yes_is_yes(ari: Ari, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enter, the end of the input and anything else leave all as it was."""
    words = _live_key(ari)
    monkeypatch.setattr("ari.cli.output.can_ask", lambda: True)
    ran = ari(*words, stdin=answer, check=False)
    assert (ran.code, ran.err.endswith("ari: Nothing was changed.\n")) == (1, True)
    assert ari.json("keys", "show", words[-1])["status"] == "active"
    ari(*words, stdin="Y\n")
    assert ari.json("keys", "show", words[-1])["status"] == "revoked"


def test_a_change_of_address_without_a_key_asks_nothing(ari: Ari) -> None:
    """There is nothing to lose: no key yet, or the same address again."""
    ari("integrations", "set-url", "openai", "https://proxy.example.net")
    ari("integrations", "set", "openai", stdin=f"{KEY}\n")
    ari("integrations", "set-url", "openai", "https://proxy.example.net")
    assert ari.json("integrations", "show", "openai")["mask"] == "sk-p…CDEF"
