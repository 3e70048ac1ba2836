"""Rule 21: retention leaves a signed cut from which the rest is verified, and nothing else can be removed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ari.base.audit import Cut, Head, Mark
from ari.base.caller import SYSTEM
from ari.base.clock import DAY_MS
from ari.base.errors import Conflict
from ari.base.master_key import keys_of
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs import audit as jobs
from ari.storage.backup.restore import Terms, restore_backup
from ari.storage.backup.write import write_backup
from ari.storage.checkup import check_audit_log
from tests.support.audit_log import create, rechain, unlocked
from tests.support.commands import clock_of
from tests.support.instances import opened, settings_for

OLD, NEW, DAYS = 7, 3, 30
MASTER_KEY = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
OTHER_KEY = keys_of("ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "x")[0]


@pytest.fixture
def instance(data_dir: Path, database_url: str | None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    """Seven events, and three of 40 days later; three are removed at a time."""
    monkeypatch.setattr(jobs, "EVENTS_AT_ONCE", 3)
    with opened(data_dir, database_url, master_key=MASTER_KEY) as found:
        for number in range(OLD):
            create(found, f"old{number}")
        clock_of(found).step(40 * DAY_MS / 1000)
        for number in range(NEW):
            create(found, f"new{number}")
        yield found


def _prune(instance: Instance) -> int:
    return jobs.prune_events(Deps(instance), DAYS)


def _names(instance: Instance) -> list[str]:
    return [event.name for event in reversed(Deps(instance).read_sync(lambda unit: unit.events.page(None, None, 100)))]


def test_old_events_go_and_the_rest_is_verified_from_the_cut(instance: Instance) -> None:
    """In steps; each is an event with count, times and the last removed hash, and the audit log goes on through it."""
    last_old = Deps(instance).read_sync(lambda unit: unit.events.page(None, None, 100))[NEW]
    assert _prune(instance) == OLD
    assert _names(instance) == ["key_created"] * NEW + ["events_removed"] * 3
    audit_log = check_audit_log(instance.database)
    assert audit_log.is_whole, audit_log
    assert (audit_log.walked, audit_log.removed) == (NEW + 3, OLD)
    assert audit_log.head is not None
    assert audit_log.head.position == OLD + NEW + 3
    detail = Deps(instance).read_sync(lambda unit: unit.events.page(None, None, 1))[0].detail
    assert (detail["removed"], detail["removed_in_all"], detail["last_event"]) == (1, OLD, last_old.id)
    assert (detail["first_at"], detail["last_at"]) == ("2027-01-15T08:00:00.000Z",) * 2
    assert Deps(instance).read_sync(lambda unit: unit.events.hash_of(last_old.id)) == detail["last_hash"]
    assert _prune(instance) == 0
    create(instance, "later")
    assert check_audit_log(instance.database).is_whole


def test_the_newest_event_stays(instance: Instance) -> None:
    """However old: otherwise its number would be given out again. A quiet instance writes no event about nothing."""
    clock_of(instance).step(1_000 * DAY_MS / 1000)
    assert _prune(instance) == OLD + NEW
    assert _names(instance) == ["events_removed"] * 4
    clock_of(instance).step(1_000 * DAY_MS / 1000)
    assert _prune(instance) == 4
    clock_of(instance).step(1_000 * DAY_MS / 1000)
    assert _prune(instance) in (1, 2)
    assert check_audit_log(instance.database).is_whole


def test_a_single_old_event_is_left(data_dir: Path) -> None:
    """There is always a last event for the next one to follow."""
    with opened(data_dir, None) as instance:
        create(instance, "only")
        clock_of(instance).step(1_000 * DAY_MS / 1000)
        assert _prune(instance) == 0
        assert _names(instance) == ["key_created"]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM events",
        "DELETE FROM events WHERE seq = (SELECT min(seq) FROM events)",
        "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)",
        "UPDATE events SET actor = 'cli:innocent'",
        "DELETE FROM audit_marks WHERE name = 'cut'",
        "UPDATE audit_marks SET through_seq = through_seq - 1 WHERE name = 'cut'",
    ],
)
def test_nothing_but_the_cut_is_removed(instance: Instance, sql: str) -> None:
    """The triggers allow what was cut and no more, and the cut only moves forward."""
    _prune(instance)
    refused = pytest.raises(DBAPIError, match=r"never changed or deleted|only moves forward")
    with refused, instance.database.main.begin() as connection:
        connection.execute(text(sql))
    assert check_audit_log(instance.database).is_whole


def test_sqlite_does_not_replace_either(data_dir: Path) -> None:
    """INSERT OR REPLACE deletes without a DELETE trigger."""
    with opened(data_dir, None) as instance:
        create(instance, "a")
        replace = (
            "INSERT OR REPLACE INTO events SELECT seq, id, 1, name, actor, subject, door, client_address, user_agent,"
        )
        refused = pytest.raises(DBAPIError, match="never changed or deleted")
        with refused, instance.database.main.begin() as connection:
            connection.execute(text(f"{replace} request_id, detail, hash FROM events"))


def test_a_forged_cut_is_found(instance: Instance) -> None:
    """Anyone who removes more cannot sign where it ends."""
    _prune(instance)
    with unlocked(instance) as connection:
        first = connection.execute(text("SELECT id, hash, at_ms FROM events ORDER BY seq LIMIT 1")).one()
        statement = connection.execute(text("SELECT statement FROM audit_marks WHERE name = 'cut'")).scalar_one()
        cut = Cut.parse(statement)
        assert cut is not None
        forged = Mark.of(OTHER_KEY, Cut(cut.instance, OLD + 1, cut.first_at_ms, first.at_ms, first.id, first.hash))
        put = "UPDATE audit_marks SET statement = :text, public_key = :key, signature = :value WHERE name = 'cut'"
        signature = forged.signature
        connection.execute(text(put), {"text": forged.text, "key": signature.public, "value": signature.value})
        connection.execute(text("DELETE FROM events WHERE id = :id"), {"id": first.id})
    assert "its cut is signed with key" in str(check_audit_log(instance.database).fault)
    create(instance, "later")
    assert not check_audit_log(instance.database).is_whole


def test_a_trail_that_was_edited_is_not_cut(instance: Instance) -> None:
    """The cut would remove what shows the edit."""
    with unlocked(instance) as connection:
        connection.execute(text("UPDATE events SET actor = 'cli:innocent' WHERE seq = 2"))
    with pytest.raises(Conflict, match="doesn't match its signature"):
        _prune(instance)
    with unlocked(instance) as connection:
        rechain(connection)
    with pytest.raises(Conflict, match="doesn't match its signature"):
        _prune(instance)
    assert len(_names(instance)) == OLD + NEW


def test_a_cut_trail_comes_back_from_a_backup(
    instance: Instance, tmp_path: Path, database_url: str | None, request: pytest.FixtureRequest
) -> None:
    """It is verified from its cut before and after, and can be cut again: the numbers of events begin again."""
    from io import BytesIO

    _prune(instance)
    file, folder = BytesIO(), tmp_path / "new"
    write_backup(instance.database, file, instance.now_ms(), lambda *_: None)
    folder.mkdir(mode=0o700)
    url = None if database_url is None else request.getfixturevalue("postgres").create()
    settings = settings_for(folder, url, master_key=MASTER_KEY)
    restore_backup(settings, file, Terms(), SYSTEM, instance.now_ms(), lambda *_: None)
    with opened(folder, url, master_key=MASTER_KEY) as there:
        audit_log = check_audit_log(there.database)
        assert audit_log.is_whole, audit_log
        assert (audit_log.walked, audit_log.removed) == (NEW + 3 + 1, OLD)
        with pytest.raises(DBAPIError, match="never changed or deleted"), there.database.main.begin() as connection:
            connection.execute(text("DELETE FROM events"))
        clock_of(there).step(100 * DAY_MS / 1000)
        assert _prune(there) == NEW + 3 + 1
        assert check_audit_log(there.database).is_whole
    if url is not None:
        request.getfixturevalue("postgres").drop(url)


def test_an_old_witness_of_another_node_is_no_alarm(instance: Instance) -> None:
    """A node that was off for long has kept a head that retention has removed since."""
    mark = instance.database.witness.read()
    assert mark is not None
    _prune(instance)
    clock_of(instance).step(100 * DAY_MS / 1000)
    create(instance, "later")
    create(instance, "later still")
    _prune(instance)
    instance.database.witness.keep(mark)
    head = Head.parse(mark.text)
    assert head is not None
    assert Deps(instance).read_sync(lambda unit: unit.events.hash_of(str(head.event_id))) is None
    assert check_audit_log(instance.database).is_whole
