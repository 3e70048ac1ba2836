"""Searches of the audit log on both databases: every filter, every event once, a bounded number read at a time."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.event import listen

from ari.base.event_search import EventPage, EventSearch
from ari.base.events import Event, Origin
from ari.base.ids import new_id
from ari.instance import Instance
from ari.storage.audit_log.search import find
from tests.support.instances import START_MS, opened

KEY, ACCOUNT = "key_1", "usr_1"
WEB = Origin("web", "192.0.2.7", "Firefox 100%", "req_1")


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def append(instance: Instance, *events: Event) -> list[Event]:
    with instance.database.writing() as tx:
        for event in events:
            tx.events.append(event)
    return list(events)


def make(at_ms: int = START_MS, name: str = "key_created", subject: str | None = KEY, origin: Origin = WEB) -> Event:
    detail = {"name": 'Müller\'s "backup"', "from": "a_b\\c"}
    return Event(new_id("evt", at_ms), at_ms, name, ACCOUNT, subject, origin, detail)


def look(
    instance: Instance, search: EventSearch, before: str | None = None, limit: int = 50, most: int = 5
) -> EventPage:
    with instance.database.reading() as tx:
        return find(tx.events.connection, search, before, limit, most)


def walk(instance: Instance, search: EventSearch, limit: int = 2, most: int = 3) -> list[Event]:
    """All pages."""
    seen: list[Event] = []
    before: str | None = None
    while True:
        found = look(instance, search, before, limit, most)
        seen += found.events
        before = found.next_before
        if before is None:
            return seen


def test_each_filter_finds_its_events_only(instance: Instance) -> None:
    """Text is compared as it is: no wildcards, no case."""
    wanted = append(instance, make())[0]
    other = Origin("cli", "192.0.2.8", None, None)
    append(instance, replace(make(START_MS + 9, "signed_in", "usr_2", other), actor="cli:alice", detail={}))
    for search in (
        EventSearch(names=("key_created", "key_revoked")),
        EventSearch(actor=ACCOUNT),
        EventSearch(subject=KEY),
        EventSearch(door="web"),
        EventSearch(address="192.0.2.7"),
        EventSearch(request_id="req_1"),
        EventSearch(until_ms=START_MS + 1),
        EventSearch(subject=KEY, since_ms=START_MS, until_ms=START_MS + 1),
        EventSearch(keys_only=True),
        EventSearch(text="firefox 100%"),
        EventSearch(text='müller\'s "BACKUP"'),
        EventSearch(text="a_b\\c"),
        EventSearch(text="KEY_1"),
    ):
        assert look(instance, search).events == [wanted], search
    for search in (
        EventSearch(text="a%c"),
        EventSearch(text="axb"),
        EventSearch(text=wanted.id),
        EventSearch(subject=KEY, door="cli"),
        EventSearch(subject=KEY, until_ms=START_MS),
        EventSearch(since_ms=START_MS + 10),
        EventSearch(names=("signed_in",), keys_only=True),
        EventSearch(subject="usr_2", keys_only=True),
        EventSearch(actor="cli:alice", keys_only=True),
    ):
        assert look(instance, search) == EventPage([], None, look(instance, search).searched_to_ms), search


@pytest.mark.parametrize(
    "search",
    [
        EventSearch(),
        EventSearch(names=("key_created",)),
        EventSearch(since_ms=START_MS, until_ms=START_MS + 50),
        EventSearch(since_ms=START_MS, text="fire"),
        EventSearch(subject=KEY),
        EventSearch(subject=KEY, since_ms=START_MS),
        EventSearch(keys_only=True, door="web"),
    ],
)
def test_pages_join_without_a_gap(instance: Instance, search: EventSearch) -> None:
    """Every event once, also those of one instant; steps that read no match lead on."""
    events = append(instance, *(make(START_MS + number // 3) for number in range(11)))
    append(instance, *(make(START_MS + 99, "signed_in", "usr_9", Origin("cli")) for _ in range(9)))
    found = walk(instance, search)
    assert [event for event in found if event in events] == events[::-1]
    assert len(found) == len({event.id for event in found})


def test_a_step_reads_a_bounded_number_of_events(instance: Instance) -> None:
    """A rare event among a million must not keep a database busy for one request; the page says how far it looked."""
    rare = append(instance, make(name="key_revoked"))[0]
    append(instance, *(make(START_MS + 1 + number) for number in range(5)))
    search = EventSearch(names=("key_revoked",))
    first = look(instance, search)
    assert (first.events, first.searched_to_ms) == ([], START_MS + 1)
    assert look(instance, search, first.next_before).events == [rare]


def test_times_are_searched_where_a_clock_was_set_back(instance: Instance) -> None:
    """The events of a span are complete, whenever they were written, and in the order of their times."""
    late, early, middle = append(instance, make(START_MS + 900), make(START_MS), make(START_MS + 500))
    assert walk(instance, EventSearch(since_ms=START_MS, until_ms=START_MS + 600)) == [middle, early]
    assert walk(instance, EventSearch(since_ms=START_MS + 1, subject=KEY)) == [middle, late]
    assert walk(instance, EventSearch()) == [middle, early, late]


def test_a_cursor_never_names_an_event_that_is_hidden(instance: Instance) -> None:
    """Callers that may only see events of keys must not learn when others happened, not even from a cursor."""
    visible = append(instance, *(make(START_MS + number) for number in range(4)))
    append(instance, *(make(START_MS + 10 + number, "signed_in", KEY) for number in range(20)))
    ids = {event.id for event in visible}
    for search in (EventSearch(door="cli"), EventSearch(subject=KEY, door="cli"), EventSearch(since_ms=0, door="cli")):
        before: str | None = None
        while True:
            found = look(instance, replace(search, keys_only=True), before, most=3)
            assert found.searched_to_ms in {event.at_ms for event in visible}
            if found.next_before is None:
                break
            assert found.next_before in ids
            before = found.next_before


@pytest.mark.parametrize(
    "search", [EventSearch(), EventSearch(subject=KEY), EventSearch(since_ms=0), EventSearch(names=("key_created",))]
)
def test_hidden_events_are_not_read(instance: Instance, search: EventSearch) -> None:
    """A key with the right to read events of keys cannot make a database walk through all others."""
    append(instance, make(), make(START_MS + 1, "signed_in", KEY))
    with instance.database.reading() as tx:
        connection = tx.events.connection
        asked: list[tuple[str, Any]] = []
        listen(connection, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
        find(connection, replace(search, keys_only=True), None, 50)
        explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        if connection.dialect.name == "postgresql":  # which reads a table of two rows as a whole
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = str(connection.exec_driver_sql(f"{explain} {asked[0][0]}", asked[0][1]).all())
    assert "ix_events_of_keys_" in plan


@pytest.mark.parametrize("bound", [-(1 << 62), 0, 253_402_300_799_999])
def test_any_time_can_be_searched(instance: Instance, bound: int) -> None:
    """Before the first and after the last ID that can exist."""
    [event] = append(instance, make())
    later = [event] if bound <= START_MS else []
    assert look(instance, EventSearch(since_ms=bound)).events == later
    assert look(instance, EventSearch(until_ms=bound)).events == ([] if later else [event])


def test_an_unknown_cursor_finds_nothing_or_goes_on_in_time(instance: Instance) -> None:
    """Retention may have removed its event: everything after it is gone, too."""
    append(instance, make())
    assert look(instance, EventSearch(), new_id("evt", START_MS + 99)).events == []
    assert look(instance, EventSearch(since_ms=0), new_id("evt", START_MS - 99)).events == []


def test_one_event_by_its_id(instance: Instance) -> None:
    """As it was written; ``None`` for an ID that no event has."""
    [event] = append(instance, make())
    with instance.database.reading() as tx:
        assert tx.events.get(event.id) == event
        assert tx.events.get("evt_none") is None
