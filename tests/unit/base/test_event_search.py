"""Filters of the audit log: what callers write becomes one search, or one message for each wrong filter."""

import pytest

from ari.base.errors import Invalid, NotFound
from ari.base.event_search import EventPage, EventSearch, find_events, get_event, list_batches, parse_event_search
from ari.base.events import Event, Origin


def test_every_filter_is_parsed() -> None:
    """The names are the same at every door."""
    given = {
        "name": "key_revoked, key_deleted,key_revoked",
        "actor": " cli:alice ",
        "subject": "key_1",
        "door": "cli",
        "address": "::ffff:192.0.2.7",
        "request_id": "req_1",
        "q": "committed to git",
    }
    assert parse_event_search(given, 1, 2) == EventSearch(
        ("key_revoked", "key_deleted"), "cli:alice", "key_1", "cli", "192.0.2.7", "req_1", "committed to git", 1, 2
    )
    assert parse_event_search({"name": None}) == EventSearch()


def test_the_problems_of_all_filters_are_reported() -> None:
    """A misspelled filter must not return all events."""
    wrong = {"name": "key_revoked,nope", "door": "window", "address": "10.0.0.0/8", "q": "x" * 201, "actor": "a\0b"}
    with pytest.raises(Invalid) as refused:
        parse_event_search(wrong)
    assert [problem.location for problem in refused.value.problems] == ["name", "actor", "door", "address", "q"]


@pytest.mark.parametrize("text", ["", "  ", "a\0b", "a\x1b[31m", "\ud800"])
@pytest.mark.parametrize("name", ["actor", "subject", "request_id", "q"])
def test_text_that_a_database_cannot_hold_is_refused(name: str, text: str) -> None:
    """security.md 17: from the command line and from forms, too."""
    with pytest.raises(Invalid):
        parse_event_search({name: text})


def test_batches_follow_the_cursors() -> None:
    """To the last page, over empty ones."""
    event = Event("evt_1", 0, "signed_in", "usr_1", None, Origin("web"))
    pages = {None: EventPage([event], "a"), "a": EventPage([], "b"), "b": EventPage([event], None)}
    assert list(list_batches(lambda before: pages[before])) == [[event], [], [event]]


def test_a_search_is_passed_to_the_store() -> None:
    """With its cursor and limit."""

    class Store:
        def search(self, search: EventSearch, before_id: str | None, limit: int) -> EventPage:
            return EventPage([], f"{search.actor} {before_id} {limit}")

        def get(self, event_id: str) -> Event | None:
            return None

        def hash_of(self, event_id: str) -> str | None:
            return "00"

    class Reading:
        events = Store()

    with pytest.raises(NotFound):
        get_event(Reading(), "evt_1")
    assert find_events(Reading(), EventSearch(actor="usr_1"), "evt_1", 9).next_before == "usr_1 evt_1 9"
