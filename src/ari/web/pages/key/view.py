"""Read what a key's page shows besides usage."""

from collections.abc import Collection
from dataclasses import dataclass

from ari import keys
from ari.base.errors import NotFound
from ari.base.events import Event
from ari.keys.model import ApiKey, KeySecret
from ari.keys.ports import KeyTransaction
from ari.keys.presets import Preset
from ari.keys.restored_keys import is_waiting

LATEST_EVENTS = 30


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key and its events; ``names`` are those of the keys that acted on it, by ID.

    ``scopes`` are the descriptions of declared scopes, by name. ``is_waiting``: a restore disabled the key, and nobody
    has decided about it since.
    """

    key: ApiKey
    events: list[Event]
    names: dict[str, str]
    made: list[ApiKey]
    presets: Collection[Preset]
    scopes: dict[str, str]
    secrets: list[KeySecret]
    is_waiting: bool

    def find_old_secret(self, now_ms: int) -> KeySecret | None:
        """The secret that still works besides the newest."""
        return next((secret for secret in self.secrets[1:] if not secret.is_retired(now_ms)), None)

    @property
    def leak(self) -> Event | None:
        """The latest report that the key leaked, while the key is not revoked or expired and its secret is the same."""
        for event in self.events:
            if event.name == "key_leaked" and "counted" not in event.detail:
                return event
            if event.name in ("key_revoked", "key_rotated"):
                return None
        return None


@dataclass(frozen=True, slots=True)
class DeletedKey:
    """A deleted key and the event of its deletion, while that is kept."""

    key: ApiKey
    deletion: Event | None


def read_deleted(tx: KeyTransaction, key_id: str) -> DeletedKey:
    """Read what is left of a deleted key. Raises ``NotFound`` if there is no such key."""
    key = tx.keys.tombstone(key_id)
    if key is None or key.deleted_at_ms is None:
        raise NotFound
    events = tx.events.page(key_id, None, LATEST_EVENTS)
    return DeletedKey(key, next((event for event in events if event.name == "key_deleted"), None))


def read_facts(tx: KeyTransaction, key_id: str) -> KeyFacts:
    """Read the key. Raises ``NotFound``, also for a deleted one."""
    key = keys.get(tx, key_id)
    events = tx.events.page(key_id, None, LATEST_EVENTS)
    actors = {event.actor for event in events} | {key.created_by, key.revoked_by or ""}
    names = {}
    for actor in sorted(actor for actor in actors if actor.startswith("key_")):
        acting = tx.keys.tombstone(actor)
        if acting is not None:
            names[actor] = acting.name
    presets, scopes = keys.list_presets(tx).values(), {scope.name: scope.description for scope in tx.scopes.all()}
    made, secrets = keys.get_active_made_by(tx, key_id), keys.get_secrets(tx, key_id)
    return KeyFacts(key, events, names, made, presets, scopes, secrets, is_waiting(tx.key_value, key_id))
