"""What a key's page shows, read in one go."""

from dataclasses import dataclass

from ari.base.events import Event
from ari.keys import manage
from ari.keys.model import ApiKey
from ari.storage.transaction import Transaction

LATEST_EVENTS = 30


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What the keys database knows: ``names`` are those of the keys that acted on this one, by id."""

    key: ApiKey
    events: list[Event]
    names: dict[str, str]
    made: list[ApiKey]


def key_facts(unit: Transaction, now_ms: int, key_id: str) -> KeyFacts:
    """Read the key. Raises ``NotFound``, also for a deleted one."""
    key = manage.get(unit, key_id)
    events = unit.events.page(key_id, None, LATEST_EVENTS)
    actors = {event.actor for event in events} | {key.created_by, key.revoked_by or ""}
    names = {}
    for actor in sorted(actor for actor in actors if actor.startswith("key_")):
        acting = unit.keys.tombstone(actor)
        if acting is not None:
            names[actor] = acting.name
    return KeyFacts(key, events, names, manage.living_made_by(unit, now_ms, key_id))
