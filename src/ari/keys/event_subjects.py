"""Names of what the events of the audit log are about."""

from collections.abc import Sequence
from typing import Any

from ari.base.events import Event, event_facts, find_recorded_name
from ari.base.ids import is_id
from ari.keys.ports import KeyTransaction


def describe_events(tx: KeyTransaction, events: Sequence[Event]) -> list[dict[str, Any]]:
    """The JSON of these events as lists have it, with the name of each subject.

    ``subject_name`` is the present name of a key, also of a deleted one, and of a consumer, and the name of a webhook
    at the time; ``None`` for other subjects.
    """
    names = {subject: _find_name(tx, subject) for subject in sorted({one.subject for one in events if one.subject})}
    return [
        event_facts(event) | {"subject_name": names.get(event.subject or "") or find_recorded_name(event)}
        for event in events
    ]


def _find_name(tx: KeyTransaction, subject: str) -> str | None:
    if is_id("key", subject):
        key = tx.keys.tombstone(subject)
        return None if key is None else key.name
    if is_id("con", subject):
        consumer = tx.consumers.get(subject)
        return None if consumer is None else consumer.name
    return None
