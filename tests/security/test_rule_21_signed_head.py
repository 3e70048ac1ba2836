"""Rule 21: write access to the database doesn't allow forging the audit log: its head is signed, never signed over."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from ari.base import audit
from ari.base.audit import Head, Mark
from ari.base.caller import SYSTEM
from ari.base.clock import DAY_MS
from ari.base.errors import Conflict
from ari.base.events import Event, chain_hash
from ari.base.ids import new_id
from ari.base.master_key import keys_of
from ari.cli.master_key import rotate_in
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.audit import prune_events
from ari.storage.audit_log.walk import AuditLogCheck
from ari.storage.checkup import check_audit_log
from ari.storage.engine import KEYS_FILE
from tests.support.audit_log import create, rechain, unlocked
from tests.support.commands import clock_of
from tests.support.instances import START_MS, opened

EVENTS = 6
OTHER_KEY = keys_of("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "x")[0]


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        for number in range(EVENTS):
            create(found, f"k{number}")
        yield found


def _run(*statements: str) -> Callable[[Connection], None]:
    def act(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    return act


def _edit(connection: Connection) -> None:
    connection.execute(text("UPDATE events SET actor = 'cli:innocent' WHERE seq = 2"))
    rechain(connection)


def _remove_from_middle(connection: Connection) -> None:
    connection.execute(text("DELETE FROM events WHERE seq = 3"))
    rechain(connection)


def _remove_from_beginning(connection: Connection) -> None:
    connection.execute(text("DELETE FROM events WHERE seq <= 2"))
    rechain(connection)


def _swap(connection: Connection) -> None:
    for old, new in ((2, 1_000), (3, 2), (1_000, 3)):
        connection.execute(text("UPDATE events SET seq = :new WHERE seq = :old"), {"new": new, "old": old})
    rechain(connection)


def _head_of_somebody_else(connection: Connection) -> None:
    _edit(connection)
    row = connection.execute(text("SELECT id, hash, at_ms FROM events ORDER BY seq DESC LIMIT 1")).one()
    mark = Mark.of(OTHER_KEY, Head(new_id("ins", 1), EVENTS, row.id, row.hash, row.at_ms))
    put = "UPDATE audit_marks SET statement = :text, public_key = :public, signature = :value WHERE name = 'head'"
    signature = mark.signature
    connection.execute(text(put), {"text": mark.text, "public": signature.public, "value": signature.value})


def _head_edited(connection: Connection) -> None:
    _edit(connection)
    last = connection.execute(text("SELECT hash FROM events ORDER BY seq DESC LIMIT 1")).scalar_one()
    statement = connection.execute(text("SELECT statement FROM audit_marks WHERE name = 'head'")).scalar_one()
    head = Head.parse(statement)
    assert head is not None
    put = text("UPDATE audit_marks SET statement = :text WHERE name = 'head'")
    connection.execute(put, {"text": statement.replace(head.hash, last)})


FORGERIES: dict[str, Callable[[Connection], None]] = {
    "edited": _edit,
    "removed from the middle": _remove_from_middle,
    "removed from the beginning": _remove_from_beginning,
    "swapped": _swap,
    "tail removed": _run("DELETE FROM events WHERE seq >= 5"),
    "last removed": _run("DELETE FROM events WHERE seq = 6"),
    "all removed": _run("DELETE FROM events"),
    "head removed": _run("DELETE FROM audit_marks"),
    "tail and head removed": _run("DELETE FROM events WHERE seq >= 5", "DELETE FROM audit_marks"),
    "everything removed": _run("DELETE FROM events", "DELETE FROM audit_marks"),
    "head of somebody else": _head_of_somebody_else,
    "head edited": _head_edited,
    "signature emptied": _run("UPDATE audit_marks SET signature = public_key"),
    "statement of no shape": _run("UPDATE audit_marks SET statement = '[]'"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_no_forgery_passes_and_none_is_signed_over(instance: Instance, forgery: str) -> None:
    """Found at once, and still found after the instance has gone on: later events do not make the audit log good."""
    assert check_audit_log(instance.database).is_whole
    with unlocked(instance) as connection:
        FORGERIES[forgery](connection)
    assert not check_audit_log(instance.database).is_whole
    for number in range(2):
        create(instance, f"later{number}")
    assert not check_audit_log(instance.database).is_whole
    with pytest.raises(Conflict, match="doesn't match its signature"):
        prune_events(Deps(_later(instance, 100)), 7)
    assert not check_audit_log(instance.database).is_whole


def _later(instance: Instance, days: int) -> Instance:
    clock_of(instance).step(days * DAY_MS / 1000)
    return instance


def test_an_old_head_does_not_hide_what_came_after(instance: Instance) -> None:
    """Its signature is good, but this node has committed a later one and keeps it in a file of its own."""
    columns = "name, statement, public_key, signature"
    with instance.database.main.begin() as connection:
        old = dict(connection.execute(text(f"SELECT {columns} FROM audit_marks")).mappings().one())
    create(instance, "to be hidden")
    with unlocked(instance) as connection:
        connection.execute(text("DELETE FROM events WHERE seq > :kept"), {"kept": EVENTS})
        put = "UPDATE audit_marks SET statement = :statement, public_key = :public_key, signature = :signature"
        connection.execute(text(put), old)
    _assert_replaced(check_audit_log(instance.database))
    create(instance, "later")
    _assert_replaced(check_audit_log(instance.database))


def _assert_replaced(audit_log: AuditLogCheck) -> None:
    assert audit_log.broken is None
    assert audit_log.fault is not None
    assert "this node committed event" in audit_log.fault


def test_an_older_copy_of_the_whole_file_is_noticed(data_dir: Path, tmp_path: Path) -> None:
    """Everything in it is signed and fits; only the witness next to it and heads kept elsewhere know better."""
    with opened(data_dir, None) as instance:
        create(instance, "first")
    shutil.copy2(data_dir / KEYS_FILE, tmp_path / "copy")
    with opened(data_dir, None) as instance:
        create(instance, "hidden")
        kept = Deps(instance).read_sync(lambda unit: unit.events.newest())
        assert kept is not None
    for rest in ("-wal", "-shm"):
        (data_dir / f"{KEYS_FILE}{rest}").unlink(missing_ok=True)
    shutil.copy2(tmp_path / "copy", data_dir / KEYS_FILE)
    (data_dir / "seen-sqlite.json").unlink()  # which would stop the node at once
    with opened(data_dir, None) as instance:
        _assert_replaced(check_audit_log(instance.database))
        create(instance, "later")
        _assert_replaced(check_audit_log(instance.database))
        assert Deps(instance).read_sync(lambda unit: unit.events.hash_of(kept[0])) is None
        Deps(instance).do_sync(audit.accept, {})
        assert check_audit_log(instance.database).is_whole


def test_events_that_nobody_signed_stay_counted(instance: Instance) -> None:
    """Added by hand, and well chained: the audit log goes on after them but says how many there are, until accepted."""
    event = Event(new_id("evt", START_MS), START_MS, "signed_in", "usr_1", None, SYSTEM.origin)
    last = Deps(instance).read_sync(lambda unit: unit.events.newest())
    assert last is not None
    row = {"id": event.id, "at": START_MS, "hash": chain_hash(last[1], event)}
    insert = (
        "INSERT INTO events (id, at_ms, name, actor, door, detail, hash)"
        " VALUES (:id, :at, 'signed_in', 'usr_1', 'system', '{}', :hash)"
    )
    with instance.database.main.begin() as connection:
        connection.execute(text(insert), row)
    assert "1 event isn't signed after its signed head" in str(check_audit_log(instance.database).fault)
    create(instance, "later")
    fault = str(check_audit_log(instance.database).fault)
    assert "1 event isn't signed" in fault
    assert event.id in fault
    Deps(instance).do_sync(audit.accept, {"because": fault})
    audit_log = check_audit_log(instance.database)
    assert audit_log.is_whole
    assert audit_log.walked == EVENTS + 3


def test_a_new_master_key_signs_on(instance: Instance) -> None:
    """Rotation signs the head with the new key before the old one is forgotten."""
    before = check_audit_log(instance.database)
    rotate_in(Deps(instance))
    after = check_audit_log(instance.database)
    assert after.is_whole
    assert after.fingerprint != before.fingerprint
    create(instance, "later")
    assert check_audit_log(instance.database).is_whole
    assert len(instance.master_keys.all()) == 1


def test_a_new_master_key_signs_the_cut_too(instance: Instance) -> None:
    """Or what retention left would be taken for a forgery once the old key is forgotten, and retention would stop."""
    for _ in range(2):
        clock_of(instance).advance(40 * DAY_MS / 1000)
        create(instance, "later")
        assert prune_events(Deps(instance), 7)
        rotate_in(Deps(instance))
        assert len(instance.master_keys.all()) == 1
        assert _fault(instance) == "None"


@pytest.mark.parametrize("is_pruned", [False, True])
def test_a_given_master_key_that_encrypts_nothing_is_replaced_in_the_trail(
    data_dir: Path, database_url: str | None, is_pruned: bool
) -> None:
    """The old key may be removed once the command ran, whether or not anything was encrypted with it."""
    old, new = bytes(range(32)).hex(), bytes(range(1, 33)).hex()
    with opened(data_dir, database_url, master_key=old) as before:
        create(before, "a")
        if is_pruned:
            clock_of(before).advance(40 * DAY_MS / 1000)
            create(before, "b")
            assert prune_events(Deps(before), 7)
    with opened(data_dir, database_url, master_key=f"{new},{old}") as both:
        assert rotate_in(Deps(both))[1:] == (0, True)
        assert rotate_in(Deps(both))[1:] == (0, False)
    with opened(data_dir, database_url, master_key=new) as after:
        assert _fault(after) == "None"
        create(after, "c")
        assert check_audit_log(after.database).is_whole


def test_a_new_master_key_signs_no_forged_mark(instance: Instance) -> None:
    """A mark that no master key here signed is not made good by a rotation."""
    with unlocked(instance) as connection:
        connection.execute(text("UPDATE audit_marks SET statement = replace(statement, 'ins_0', 'ins_1')"))
    rotate_in(Deps(instance))
    assert _fault(instance) == "the signature of its head is wrong"


def test_a_node_without_the_master_key_does_not_hide_that(data_dir: Path, postgres_url: str, tmp_path: Path) -> None:
    """It works on, makes no key of its own, and what it wrote is named; with the key everything is signed."""
    other = tmp_path / "node2"
    other.mkdir(mode=0o700)
    with opened(data_dir, postgres_url) as first, opened(other, postgres_url) as second:
        create(first, "a")
        create(second, "b")
        assert not (other / "master.key").exists()
        assert "isn't in" in str(check_audit_log(second.database).fault)
        assert "1 event isn't signed" in str(check_audit_log(first.database).fault)
        shutil.copy2(data_dir / "master.key", other)
        create(second, "c")
        assert "1 event isn't signed, starting with" in _fault(first)
        assert _fault(first) == _fault(second)


def _fault(instance: Instance) -> str:
    return str(check_audit_log(instance.database).fault)


def test_a_failed_command_signs_nothing(instance: Instance) -> None:
    """The head moves with the commit, or not at all."""
    before = check_audit_log(instance.database).head

    def fail(unit: Any) -> None:
        unit.events.append(Event(new_id("evt", 1), 1, "signed_in", unit.caller.actor, None, unit.caller.origin))
        raise Conflict("no", "no")

    with pytest.raises(Conflict):
        Deps(instance).do_sync(fail)
    assert check_audit_log(instance.database).head == before
