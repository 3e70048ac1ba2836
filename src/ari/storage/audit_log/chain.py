"""Whether an event follows from the one before it (security.md 21)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ari.base.events import Event, Origin, chain_hash


@dataclass(frozen=True, slots=True)
class Break:
    """The first event that does not follow from the one before: it, or one before it, was changed or removed."""

    event_id: str
    at_ms: int
    position: int
    """Counted from 1, removed events included."""


def follows(previous: str, row: Mapping[str, Any]) -> bool:
    """Whether this row of ``events`` was written after the event with the hash ``previous`` and not changed since."""
    origin = Origin(row["door"], row["client_address"], row["user_agent"], row["request_id"])
    try:
        detail = json.loads(row["detail"])
        event = Event(row["id"], row["at_ms"], row["name"], row["actor"], row["subject"], origin, detail)
    except ValueError:  # an edited row may hold anything
        return False
    return chain_hash(previous, event) == str(row["hash"])
