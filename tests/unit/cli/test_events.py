"""``ari events``: the audit log."""

import csv
import getpass
import io
import json
from dataclasses import replace

import pytest

from ari import keys
from ari.base.events import Origin
from ari.base.transaction import new_event
from ari.deps import Deps
from ari.keys import KeyChange
from tests.unit.cli.conftest import Ari


def test_events_name_the_person_at_the_command_line(ari: Ari) -> None:
    """The audit log says which user of the machine did it, through which door."""
    key, _ = ari.create()
    [event] = ari.json("events", "--subject", key["id"])["items"]
    assert (event["name"], event["actor"], event["door"]) == ("key_created", f"cli:{getpass.getuser()}", "cli")
    assert ari("events").out.splitlines()[1].split("\t")[1:5] == [
        "key_created",
        event["actor"],
        key["name"],
        key["id"],
    ]


def test_events_beyond_one_page(ari: Ari) -> None:
    """A limit beyond one page is honoured, and every event is there once."""
    key, _ = ari.create()
    instance = ari.instance()
    for number in range(210):
        wanted = KeyChange(disabled=number % 2 == 0)
        Deps(instance).do_sync(keys.change, key["id"], wanted)
    instance.close()
    items = ari.json("events", "--limit", "205")["items"]
    assert len({item["id"] for item in items}) == 205
    assert len(ari.json("events")["items"]) == 50


def test_filters_narrow_the_list(ari: Ari) -> None:
    """Each by its own field."""
    key, _ = ari.create("Laptop")
    ari("keys", "disable", key["id"])
    me = f"cli:{getpass.getuser()}"
    for words, names in (
        (("--name", "key_created", "--name", "key_revoked"), ["key_created"]),
        (("--actor", me, "--door", "cli", "--subject", key["id"]), ["key_disabled", "key_created"]),
        (("--text", "LAPTOP"), ["key_created"]),
        (("--since", "1h", "--name", "key_disabled"), ["key_disabled"]),
        (("--until", "2000-01-01T00:00:00Z"), []),
        (("--address", "192.0.2.1"), []),
        (("--request-id", "req_1"), []),
    ):
        assert [event["name"] for event in ari.json("events", "list", *words)["items"]] == names, words


WRONG = [
    ("--name", "nope"),
    ("--door", "window"),
    ("--address", "hunter2"),
    ("--text", ""),
    ("--request-id", "a\x1bb"),
    ("--actor", "\udcff"),
    ("--since", "then"),
]


@pytest.mark.parametrize("words", WRONG)
@pytest.mark.parametrize("command", ["list", "export"])
def test_a_wrong_filter_names_its_option_and_does_nothing(ari: Ari, command: str, words: tuple[str, str]) -> None:
    """A usage error, and no event of an export."""
    ran = ari("events", command, *words, check=False)
    assert (ran.code, ran.out) == (2, "")
    assert words[0] in ran.err
    assert ari.json("events")["items"] == []


def test_nothing_printed_controls_the_terminal(ari: Ari) -> None:
    """security.md 22: subject, actor, address, request ID and detail may hold a caller's text."""
    evil = "\x1b]0;x\x07\u202e"
    instance = ari.instance()
    with instance.database.writing() as tx:
        event = new_event(tx, "key_renamed", evil, {"from": evil, evil: [evil]})
        tx.events.append(replace(event, actor=evil, origin=Origin("api", evil, evil, evil)))
    instance.close()
    for words in (("list",), ("list", "--json"), ("export",), ("export", "--format", "jsonl")):
        out = ari.out_bytes("events", *words).decode()
        assert "key_renamed" in out
        assert not set(evil) & set(out) - set("]0;x"), words


def test_an_export_is_recorded_and_whole(ari: Ari) -> None:
    """CSV for spreadsheets with a byte order mark, JSON lines for programs."""
    key, _ = ari.create("=1+1")
    text = ari.out_bytes("events", "export", "--subject", key["id"]).decode()
    assert text.startswith("\ufeffid,")
    [row] = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert (row["name"], row["subject"]) == ("key_created", key["id"])
    lines = ari.out_bytes("events", "export", "--format", "jsonl").splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["events_exported", "events_exported", "key_created"]
    assert ari.out_bytes("events", "export", "--no-bom").startswith(b"id,")


def test_events_name_the_webhook_without_its_url(ari: Ari) -> None:
    """In the table and in JSON, also once it is removed; the path and query of its URL are secrets."""
    added = ari.json("webhooks", "add", "Tickets", "https://hooks.example.com/T0/secret-path?key=secret-query")
    ari("webhooks", "delete", added["webhook"]["id"], "--yes")
    rows = [line.split("\t") for line in ari("events").out.splitlines()[1:]]
    assert [(row[1], row[3]) for row in rows] == [("webhook_removed", "Tickets"), ("webhook_added", "Tickets")]
    assert [one["subject_name"] for one in ari.json("events")["items"]] == ["Tickets", "Tickets"]
    assert "secret" not in ari("events").out
