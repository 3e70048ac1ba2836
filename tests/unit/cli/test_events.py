"""``ari events``: the audit log."""

import getpass

from ari import keys
from ari.deps import Deps
from ari.keys import KeyChange
from tests.unit.cli.conftest import Ari


def test_events_name_the_person_at_the_command_line(ari: Ari) -> None:
    """The audit log says which user of the machine did it, through which door."""
    key, _ = ari.create()
    [event] = ari.json("events", "--subject", key["id"])["items"]
    assert (event["name"], event["actor"], event["door"]) == ("key_created", f"cli:{getpass.getuser()}", "cli")
    assert ari("events").out.splitlines()[1].split("\t")[1:4] == ["key_created", event["actor"], key["id"]]


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
