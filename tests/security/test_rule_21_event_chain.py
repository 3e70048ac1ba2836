"""Rule 21: the audit log cannot be changed quietly, and ``ari doctor --audit`` names the first break."""

import getpass
import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ari import keys
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import KeyChange, NewKey
from ari.storage.checkup import check_audit_log
from tests.support.command import Cli
from tests.support.instances import opened
from tests.support.owner import Owner, csrf_of

EVENTS = 6


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def _create(instance: Instance, name: str) -> str:
    new = NewKey(name)
    return Deps(instance).do_sync(keys.create, new).key.id


def _switch(instance: Instance, key_id: str, *, disabled: bool) -> None:
    wanted = KeyChange(disabled=disabled)
    Deps(instance).do_sync(keys.change, key_id, wanted)


def _statement(instance: Instance, sql: str) -> None:
    with instance.database.main.begin() as connection:
        connection.execute(text(sql))


def _assert_whole(instance: Instance, walked: int) -> None:
    audit_log = check_audit_log(instance.database)
    assert audit_log.is_whole, audit_log
    assert audit_log.walked == walked


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE events SET actor = 'cli:innocent'",
        "UPDATE events SET detail = detail WHERE seq = 1",
        "DELETE FROM events",
        "DELETE FROM events WHERE seq = 1",
    ],
)
def test_the_database_refuses_changes(instance: Instance, sql: str) -> None:
    """Triggers on both databases: not by mistake, and not by a bug in ARI."""
    _create(instance, "a")
    with pytest.raises(DBAPIError, match="events are never changed or deleted"):
        _statement(instance, sql)
    _assert_whole(instance, 1)


def test_postgresql_refuses_truncate_too(data_dir: Path, postgres_url: str) -> None:
    """TRUNCATE is a way to delete."""
    with opened(data_dir, postgres_url) as instance:
        _create(instance, "a")
        with pytest.raises(DBAPIError, match="events are never changed or deleted"):
            _statement(instance, "TRUNCATE events")


def _drop_triggers(instance: Instance) -> None:
    """What somebody does who may write the database's schema."""
    if instance.database.main.dialect.name == "sqlite":
        for action in ("update", "delete"):
            _statement(instance, f"DROP TRIGGER events_no_{action}")
    else:
        _statement(instance, "ALTER TABLE events DISABLE TRIGGER USER")


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'cli:innocent'",
        "name = 'signed_in'",
        "name = 'made_up'",
        "at_ms = at_ms + 1",
        "subject = NULL",
        "door = 'web'",
        "client_address = '192.0.2.1'",
        "user_agent = 'x'",
        "request_id = 'x'",
        "detail = '{}'",
        "detail = 'no JSON'",
        "id = 'evt_other'",
        "hash = 'x'",
    ],
)
def test_any_changed_field_is_named(instance: Instance, change: str) -> None:
    """Whatever was edited, the walk stops at that event."""
    for number in range(EVENTS):
        _create(instance, f"k{number}")
    _assert_whole(instance, EVENTS)
    _drop_triggers(instance)
    _statement(instance, f"UPDATE events SET {change} WHERE seq = 3")
    audit_log = check_audit_log(instance.database)
    assert audit_log.broken is not None
    assert (audit_log.walked, audit_log.broken.position) == (3, 3)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM events WHERE seq = 3",
        "DELETE FROM events WHERE seq IN (3, 4, 5)",
        "UPDATE events SET seq = 100 WHERE seq = 3",
    ],
)
def test_a_removed_or_moved_event_is_noticed(instance: Instance, sql: str) -> None:
    """The event after the gap does not follow."""
    for number in range(EVENTS):
        _create(instance, f"k{number}")
    _drop_triggers(instance)
    _statement(instance, sql)
    broken = check_audit_log(instance.database).broken
    assert broken is not None
    assert broken.position == 3


def test_writers_at_once_keep_one_chain(instance: Instance) -> None:
    """Many transactions at a time append one after the other."""
    key_ids = [_create(instance, f"k{number}") for number in range(8)]
    errors: list[Exception] = []

    def write(key_id: str) -> None:
        try:
            for number in range(10):
                _switch(instance, key_id, disabled=number % 2 == 0)
        except Exception as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=write, args=(key_id,)) for key_id in key_ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    _assert_whole(instance, 8 + 80)


def _check_trail(cli: Cli) -> tuple[int, dict[str, Any]]:
    ran = cli("doctor", "--audit", "--json")
    found = {one["check"]: one for one in json.loads(ran.stdout)["checks"]}
    return ran.returncode, found["audit log"]


def test_doctor_names_the_first_break(cli: Cli, data_dir: Path) -> None:
    """Exit code 1 and the event's place, id and time."""
    cli("migrate", check=True)
    for number in range(4):
        cli.create_key(f"k{number}")
    assert _check_trail(cli) == (0, {"check": "audit log", "state": "ok", "message": _check_trail(cli)[1]["message"]})
    event = cli.json("events")["items"][2]
    with sqlite3.connect(data_dir / "ari.db") as connection:
        connection.execute("DROP TRIGGER events_no_update")
        connection.execute("UPDATE events SET actor = 'cli:innocent' WHERE id = ?", (event["id"],))
    connection.close()
    code, found = _check_trail(cli)
    assert (code, found["state"]) == (1, "wrong")
    assert found["message"].startswith(f"broken at event 2 ({event['id']}, {event['time']})")
    assert "✗ error" in cli("doctor", "--audit").stdout


def test_the_command_line_names_the_user_of_the_machine(cli: Cli) -> None:
    """The person at the keyboard is in the audit log, for every command that changes something."""
    cli("migrate", check=True)
    key, _ = cli.create_key("Laptop")
    revoke, delete = ["revoke", key["id"], "--yes"], ["delete", key["id"], "--yes"]
    for words in (["rename", key["id"], "x"], ["disable", key["id"]], revoke, delete):
        cli("keys", *words, check=True)
    cli("usage", "erase", "--yes", "--address", "192.0.2.1", check=True)
    cli("backup", "b", check=True)
    events = cli.json("events")["items"]
    assert [event["name"] for event in events] == [
        "backup_written",
        "usage_erased",
        "key_deleted",
        "key_revoked",
        "key_disabled",
        "key_renamed",
        "key_created",
    ]
    assert {(event["actor"], event["door"]) for event in events} == {(f"cli:{getpass.getuser()}", "cli")}


def test_sign_ins_are_events(owner: Owner) -> None:
    """Who came in, who tried, who left."""
    session = owner.session()
    client = owner.api(headers={"Origin": owner.url, "Sec-Fetch-Site": "same-origin"})
    form = {"email": owner.email, "password": "wrong horse 1", "csrf": csrf_of(client.get("/sign-in").text)}
    client.post("/sign-in", data=form)
    page = session.get("/settings?tab=api")
    session.post("/sign-out", data={"csrf": csrf_of(page.text)})
    names = [event["name"] for event in owner.cli.json("events")["items"]]
    assert names == ["signed_out", "sign_in_refused", "signed_in", "owner_created"]


def test_exports_and_changes_of_settings_are_events(owner: Owner) -> None:
    """By the API, the page and the command line alike; each says who, and none what was exported."""
    _, admin = owner.create_key("admin", scopes=["*"])
    assert owner.api(admin).get("/api/usage/export", params={"format": "csv"}).status_code == 200
    owner.cli("usage", "export", check=True)
    owner.cli("notifications", "off", "key_created", check=True)
    session = owner.session()
    proof = csrf_of(session.get("/settings?tab=api").text)
    switched = session.patch("/api/notifications/key_created", json={"on": True}, headers={"x-csrf-token": proof})
    assert switched.status_code == 200, switched.text
    told = [(event["name"], event["door"]) for event in owner.cli.json("events")["items"]]
    assert told == [
        ("notification_switched", "api"),
        ("signed_in", "web"),
        ("notification_switched", "cli"),
        ("usage_exported", "cli"),
        ("usage_exported", "api"),
        ("key_created", "cli"),
        ("owner_created", told[-1][1]),
    ]
