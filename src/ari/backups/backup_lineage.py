"""Which restore an instance began with. A trial has the id of the original, but must not touch its files."""

from typing import Protocol

from ari.base.ids import new_id
from ari.base.transaction import KeyValueStore

KEY = "backup_lineage"
EVENT_KEY = "backup_lineage_event"


class InstanceFacts(Protocol):
    """Small facts of the instance by name."""

    def get(self, name: str) -> str | None: ...


class RestoreTransaction(Protocol):
    """A transaction that reads them."""

    @property
    def key_value(self) -> InstanceFacts: ...


def read_lineage(tx: RestoreTransaction) -> str:
    """The id of the restore; empty if the instance wasn't restored."""
    return tx.key_value.get(KEY) or ""


def read_restore_event(tx: RestoreTransaction) -> str:
    """The event of the restore: the audit log is the instance's own from there on. Empty if it isn't known."""
    return tx.key_value.get(EVENT_KEY) or ""


def begin_lineage(key_value: KeyValueStore, event_id: str, now_ms: int) -> None:
    """Give a restored instance a lineage of its own, which begins with this event."""
    key_value.put(KEY, new_id("res", now_ms))
    key_value.put(EVENT_KEY, event_id)
