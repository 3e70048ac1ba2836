"""The chain over the audit log covers every field of an event."""

from dataclasses import replace
from typing import Any

import pytest

from ari.base.events import EVENT_NAMES, Event, Origin, chain_hash, event_facts, make_count_event

EVENT = Event("evt_1", 1_000, "key_created", "usr_1", "key_1", Origin("web", "192.0.2.1", "curl", "req_1"), {"a": 1})
FIRST = "0" * 64


@pytest.mark.parametrize(
    "change",
    [
        {"id": "evt_2"},
        {"at_ms": 1_001},
        {"name": "key_revoked"},
        {"actor": "usr_2"},
        {"subject": None},
        {"origin": Origin("api", "192.0.2.1", "curl", "req_1")},
        {"origin": Origin("web", "192.0.2.2", "curl", "req_1")},
        {"origin": Origin("web", "192.0.2.1", "wget", "req_1")},
        {"origin": Origin("web", "192.0.2.1", "curl", None)},
        {"detail": {"a": 2}},
    ],
)
def test_any_changed_field_changes_the_hash(change: Any) -> None:
    """Security rule 21: an edited event breaks the chain."""
    assert chain_hash(FIRST, replace(EVENT, **change)) != chain_hash(FIRST, EVENT)


def test_the_hash_covers_the_event_before() -> None:
    """So no event can be removed or moved."""
    assert chain_hash("1" * 64, EVENT) != chain_hash(FIRST, EVENT)
    assert len(chain_hash(FIRST, EVENT)) == 64


def test_the_order_of_details_does_not_matter() -> None:
    """A database may return JSON members in another order."""
    one, other = replace(EVENT, detail={"a": 1, "b": 2}), replace(EVENT, detail={"b": 2, "a": 1})
    assert chain_hash(FIRST, one) == chain_hash(FIRST, other)


def test_every_name_has_a_sentence() -> None:
    """Docs, pages and notifications read the same list."""
    assert all(text.endswith(".") for text in EVENT_NAMES.values())


def test_a_counted_event_says_how_many_and_since_when() -> None:
    """What strangers repeat is counted instead of written."""
    found = make_count_event("sign_in_refused", "usr_1", 41, 0, 3_600_000)
    assert (found.actor, found.detail) == ("system", {"counted": 41, "since": "1970-01-01T00:00:00.000Z"})


def test_facts_show_where_an_event_came_from() -> None:
    """The same at every door."""
    facts = event_facts(EVENT)
    assert (facts["time"], facts["door"], facts["client_address"]) == ("1970-01-01T00:00:01.000Z", "web", "192.0.2.1")
