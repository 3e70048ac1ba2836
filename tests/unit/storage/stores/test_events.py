"""The audit log: read in its order, filtered, and cut only where it is what was signed."""

import pytest

from ari.base.errors import Conflict
from ari.base.event_search import EventSearch
from ari.base.events import Event, Origin
from ari.base.ids import new_id
from ari.instance import Instance
from tests.support.audit_log import unlocked
from tests.support.instances import START_MS

ORIGIN = Origin("web", "192.0.2.7", "a browser é", "req_1")


def _event(name: str = "key_created", subject: str | None = "key_1", at_ms: int = START_MS) -> Event:
    return Event(new_id("evt", at_ms), at_ms, name, "usr_1", subject, ORIGIN, {"z": [1, None], "a": "ü"})


def _append(instance: Instance, *events: Event) -> None:
    for event in events:
        with instance.database.writing() as unit:
            unit.events.append(event)


def test_an_event_comes_back_as_it_was(instance: Instance) -> None:
    """Every field, since its hash covers all of them."""
    event = _event()
    _append(instance, event)
    with instance.database.reading() as unit:
        assert unit.events.page(None, None, 9) == [event]
        newest = unit.events.newest()
        assert newest is not None
        assert newest == (event.id, unit.events.hash_of(event.id))


def test_pages_are_in_the_order_of_writing(instance: Instance) -> None:
    """Newest first, also where a clock was set back, so that no page skips an event."""
    events = [_event(at_ms=START_MS - number) for number in range(4)]
    _append(instance, *events)
    with instance.database.reading() as unit:
        first = unit.events.page(None, None, 2)
        rest = unit.events.page(None, first[-1].id, 9)
    assert [*first, *rest] == events[::-1]


def test_filters_of_the_trail(instance: Instance) -> None:
    """By subject and by events of keys; ``_`` in the name's beginning is no wildcard."""
    about, other, sign_in = _event(), _event(subject="key_2"), _event("signed_in", "usr_1")
    _append(instance, about, other, sign_in)
    with instance.database.reading() as unit:
        assert unit.events.page("key_1", None, 9) == [about]
        assert unit.events.search(EventSearch(keys_only=True), None, 9).events == [other, about]
        assert unit.events.has("usr_1", "signed_in")
        assert not unit.events.has("key_1", "signed_in")


def test_only_documented_names_are_events(instance: Instance) -> None:
    """Docs, pages and notifications read the same list."""
    with pytest.raises(ValueError, match="unknown event name"):
        _append(instance, _event("key_eaten"))


def test_the_newest_event_is_never_removed(instance: Instance) -> None:
    """Its number must not be given out again; what was removed before is still counted in the cut."""
    events = [_event(at_ms=START_MS + number) for number in range(4)]
    _append(instance, *events)
    with instance.database.writing() as unit:
        found = unit.events.remove_before(START_MS + 99, 2)
        assert found is not None
        assert (found[1], found[0].removed, found[0].event_id) == (2, 2, events[1].id)
    with instance.database.writing() as unit:
        found = unit.events.remove_before(START_MS + 99, 2)
        assert found is not None
        assert (found[1], found[0].removed, found[0].first_at_ms) == (1, 3, START_MS)
        assert unit.events.remove_before(START_MS + 99, 2) is None
        assert unit.events.page(None, None, 9) == events[3:]
        assert not unit.events.begins_before(START_MS + 99)


def test_an_edited_trail_is_not_cut(instance: Instance) -> None:
    """A cut over it would hide the edit."""
    _append(instance, *(_event(at_ms=START_MS + number) for number in range(3)))
    with unlocked(instance) as connection:
        connection.exec_driver_sql("UPDATE events SET actor = 'nobody' WHERE seq = 1")
    with pytest.raises(Conflict, match="does not follow"), instance.database.writing() as unit:
        unit.events.remove_before(START_MS + 2, 9)
    with instance.database.reading() as unit:
        assert len(unit.events.page(None, None, 9)) == 3
