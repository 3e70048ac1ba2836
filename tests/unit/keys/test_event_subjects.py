"""Names of what events are about."""

from typing import Any

import pytest

from ari.base.events import Event, Origin, event_facts
from ari.base.ids import new_id
from ari.keys import NewConsumer, create_consumer, delete, revoke
from ari.keys.event_subjects import describe_events
from tests.support.instances import START_MS
from tests.unit.keys.memory import MemoryTransaction, make_key

WEBHOOK = "whk_01M7F0QKZ4W3J8N5T2V6X9Y1CA"


def _event(name: str, subject: str | None, /, **detail: Any) -> Event:
    return Event("evt_1", START_MS, name, "system", subject, Origin("cli"), detail)


def test_keys_and_consumers_have_their_present_names() -> None:
    """A deleted key as well; the rest of each event is as it is everywhere."""
    tx = MemoryTransaction()
    key, consumer = make_key(tx, name="Mobile App"), create_consumer(tx, NewConsumer("Acme"))
    revoke(tx, key.id)
    delete(tx, key.id)
    events = [_event("key_created", key.id, name="Old"), _event("consumer_created", consumer.id)]
    found = describe_events(tx, events)
    assert [one.pop("subject_name") for one in found] == ["Mobile App", "Acme"]
    assert found == [event_facts(one) for one in events]


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (_event("webhook_added", WEBHOOK, name="Tickets", url="https://hooks.example.net/…"), "Tickets"),
        (_event("webhook_changed", WEBHOOK, **{"from": {"name": "Old"}, "to": {"name": "New"}}), "New"),
        (_event("webhook_tested", WEBHOOK), None),
        (_event("webhook_tested", WEBHOOK, name=7), None),
        (_event("signed_in", new_id("usr", START_MS)), None),
        (_event("key_created", new_id("key", START_MS)), None),
        (_event("consumer_created", new_id("con", START_MS)), None),
        (_event("kind_added", "acme", name="other"), None),
        (_event("backup_written", None), None),
    ],
)
def test_a_webhook_has_the_name_that_its_event_recorded(event: Event, name: str | None) -> None:
    """It may be gone, and another subject's details are not its name."""
    [found] = describe_events(MemoryTransaction(), [event])
    assert found["subject_name"] == name
