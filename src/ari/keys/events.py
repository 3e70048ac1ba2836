"""Events about keys."""

from typing import Any

from ari.base.clock import DAY_MS
from ari.base.transaction import new_event, record
from ari.keys.model import ApiKey
from ari.keys.ports import KeyTransaction


def record_key(tx: KeyTransaction, name: str, key: ApiKey, detail: dict[str, Any]) -> None:
    """Record a change of a key."""
    record(tx, name, key.id, {"hint": key.hint} | detail)


def record_exposure(tx: KeyTransaction, key: ApiKey) -> None:
    """Record that the key was seen in a URL, at most once a day: an inactive key can be sent without limit."""
    event = new_event(tx, "key_exposed", key.id, {"hint": key.hint, "name": key.name})
    tx.events.append_bounded(event, most=1, within_ms=DAY_MS)
