"""The audit log as collectors read it, on both databases: each event once, in the order of the chain, with its head."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ari.base import audit, audit_feed
from ari.base.audit_feed import FeedPage, read_page, read_page_or_oldest
from ari.base.audit_verification import AuditCopy
from ari.base.clock import DAY_MS
from ari.base.errors import Conflict
from ari.base.transaction import new_event
from ari.deps import Deps
from ari.instance import Instance
from ari.storage.audit_log import feed
from ari.storage.audit_log.marks import AuditMarks
from ari.storage.stores.events import EventTables
from tests.support.audit_log import create, unlocked
from tests.support.commands import clock_of
from tests.support.instances import opened


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def _read(instance: Instance, after_id: str | None = None, limit: int = 100) -> FeedPage:
    return Deps(instance).read_sync(read_page, after_id, limit)


def _read_all(instance: Instance, after_id: str | None = None, limit: int = 100) -> AuditCopy:
    """A copy of all pages, which is verified."""
    copy = AuditCopy()
    while True:
        page = _read(instance, after_id, limit)
        for line in page.to_lines():
            copy.add(line, "a line")
        if page.is_last:
            copy.finish()
            return copy
        after_id = page.events[-1].event.id


def test_pages_follow_each_other(instance: Instance) -> None:
    """Only the last one has the head, also a page that is full at the newest event."""
    for number in range(5):
        create(instance, f"key {number}")
    for limit in (1, 2, 5, 6):
        copy = _read_all(instance, limit=limit)
        assert (copy.count, copy.earlier, copy.after_head, copy.heads) == (5, 0, 0, 1)
    first = _read(instance, limit=2)
    assert (len(first.events), first.is_last, first.head) == (2, False, None)
    newest = _read(instance).events[-1].event.id
    end = _read(instance, newest)
    assert (end.events, end.is_last, end.head is not None) == ([], True, True)
    deps = Deps(instance)
    assert not deps.read_sync(audit_feed.has_after, newest)
    assert deps.read_sync(audit_feed.has_after, first.events[0].event.id)


def test_an_empty_log_is_an_empty_page(instance: Instance) -> None:
    """Its collector waits."""
    assert _read(instance).events == []
    assert not Deps(instance).read_sync(audit_feed.has_after, None)


def test_a_page_is_bounded_in_bytes(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """One event at least is in it, however large."""
    monkeypatch.setattr(feed, "MAX_BYTES", 1)
    for number in range(3):
        create(instance, f"key {number}")
    assert [len(_read(instance).events), _read_all(instance).count] == [1, 3]


def test_retention_leaves_a_chain_that_can_be_verified(instance: Instance) -> None:
    """From the first event that is left, or on from the last removed one; an event before that is gone."""
    for number in range(3):
        create(instance, f"old {number}")
    before = [one.event.id for one in _read(instance).events]
    clock_of(instance).step(40 * DAY_MS / 1000)
    create(instance, "new")
    assert Deps(instance).do_sync(audit.prune, instance.now_ms(), 10) == 3
    copy = _read_all(instance)
    assert (copy.count, copy.earlier, copy.begins_at_first) == (2, 3, False)
    assert _read_all(instance, before[2]).count == 2
    with pytest.raises(Conflict, match=rf"Its oldest event is {copy.first and copy.first.event.id}\.") as error:
        _read(instance, before[1])
    assert error.value.code == "cursor_gone"
    page, is_gone = Deps(instance).read_sync(read_page_or_oldest, before[1], 10)
    assert (len(page.events), is_gone) == (2, True)


def test_unsigned_events_come_after_the_head(instance: Instance) -> None:
    """A head that stays behind is sent as it is, so that a copy shows it."""
    create(instance, "signed")
    signed = Deps(instance).read_sync(lambda tx: tx.events.marks.head())
    with instance.database.writing() as tx:
        event = new_event(tx, "signed_in", "usr_1")
    with unlocked(instance) as connection:
        EventTables(connection, instance.master_keys).append(event)
    page = _read(instance)
    assert (len(page.events), page.head) == (2, signed)
    copy = _read_all(instance)
    assert (copy.count, copy.after_head) == (2, 1)


def test_what_commits_while_a_page_is_read_is_in_the_next(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL each statement sees another moment; the page ends with the head that was signed before."""
    create(instance, "before")
    heads: list[Any] = []
    original: Any = AuditMarks.head

    def head_then_create(marks: AuditMarks) -> Any:
        found = original(marks)
        if not heads and instance.database.shared:
            heads.append(found)
            create(instance, "during")
        return found

    monkeypatch.setattr(AuditMarks, "head", head_then_create)
    page = _read(instance)
    assert (len(page.events), page.is_last) == (1, True)
    assert page.head is not None
    assert page.events[-1].event.id in page.head.text


def test_since_when_a_copy_lacks_events(instance: Instance) -> None:
    """The time of the first event after the last that was delivered; of an unknown one, that of the oldest."""
    deps = Deps(instance)

    def find(after_id: str | None) -> int | None:
        return deps.read_sync(lambda tx: tx.audit_feed.find_waiting_since(after_id))

    assert find(None) is None
    start_ms = instance.now_ms()
    create(instance, "first")
    clock_of(instance).step(60)
    create(instance, "second")
    ids = [one.event.id for one in _read(instance).events]
    assert [find(None), find("evt_none"), find(ids[0]), find(ids[1])] == [start_ms, start_ms, start_ms + 60_000, None]
