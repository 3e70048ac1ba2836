"""Delete an inactive key."""

from dataclasses import replace

from ari.base.errors import Conflict
from ari.keys import granting
from ari.keys.events import record_key
from ari.keys.ports import KeyTransaction
from ari.keys.queries import get
from ari.keys.restored_keys import forget_restored_key


def delete(tx: KeyTransaction, key_id: str) -> None:
    """Remove an inactive key from the list; its usage, its events and a tombstone stay.

    Raises ``NotFound``, ``Forbidden``, or ``Conflict("key_active")``.
    """
    key = get(tx, key_id)
    granting.require_may_touch(tx, key)
    if not key.is_inactive(tx.now_ms):
        raise Conflict("key_active", "Only revoked and expired keys can be deleted. Revoke the key first.")
    seen = key.expired_seen_at_ms or (tx.now_ms if key.is_expired(tx.now_ms) else None)
    tx.keys.save(replace(key, deleted_at_ms=tx.now_ms, expired_seen_at_ms=seen))
    forget_restored_key(tx.key_value, key.id)
    record_key(tx, "key_deleted", key, {"name": key.name})
