"""Whether the audit trail is whole: each event's hash must follow from the one before (security.md 21)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from ari.base.events import Event, Origin, chain_hash
from ari.storage.tables import events

FIRST = "0" * 64
"""What stands before the first event."""


@dataclass(frozen=True, slots=True)
class Break:
    """The first event that does not follow from the one before: it, or one before it, was changed or removed."""

    event_id: str
    at_ms: int
    position: int
    """Counted from 1."""


def follows(previous: str, row: Mapping[str, Any]) -> bool:
    """Whether this row of ``events`` was written after the event with the hash ``previous`` and not changed since."""
    origin = Origin(row["door"], row["client_address"], row["user_agent"], row["request_id"])
    try:
        detail = json.loads(row["detail"])
        event = Event(row["id"], row["at_ms"], row["name"], row["actor"], row["subject"], origin, detail)
    except ValueError:  # an edited row may hold anything
        return False
    return chain_hash(previous, event) == str(row["hash"])


def first_break(connection: Connection) -> tuple[int, Break | None]:
    """How many events were walked, and the first that does not follow."""
    previous, position = FIRST, 0
    query = select(events).order_by(events.c.seq).execution_options(yield_per=500)
    with connection.execute(query) as rows:
        for row in rows.mappings():
            position += 1
            if not follows(previous, dict(row)):
                return position, Break(row["id"], row["at_ms"], position)
            previous = row["hash"]
    return position, None
