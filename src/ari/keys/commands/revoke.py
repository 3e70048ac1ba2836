"""Revoke a key, alone or together with the keys that it made."""

from dataclasses import replace

from ari.keys import granting
from ari.keys.events import record_key
from ari.keys.model import ApiKey
from ari.keys.names import parse_reason
from ari.keys.ports import KeyTransaction
from ari.keys.queries import get, get_active_made_by, get_even_deleted
from ari.keys.restored_keys import forget_restored_key


def revoke(tx: KeyTransaction, key_id: str, reason: str | None = None, with_made: bool = False) -> ApiKey:
    """Revoke a key permanently. A repeat changes nothing and returns the same.

    ``with_made`` also revokes the active keys that this key created or let do more, and theirs in turn, in the same
    transaction. No key is created while it runs, so none of them is missed. It also works on a deleted key, because the
    keys that it made may have revoked and deleted it.
    Raises ``Invalid``, ``NotFound``, ``Forbidden``.
    """
    why = parse_reason(reason)
    if with_made:
        tx.keys.stamp_expired(tx.now_ms)  # keys skipped as expired stay expired, even if the clock is set back
    key = get_even_deleted(tx, key_id) if with_made else get(tx, key_id)
    granting.require_may_touch(tx, key)
    made = get_active_made_by(tx, key_id) if with_made else []
    for other in made:
        granting.require_may_touch(tx, other)
    for one in (key, *made):
        if one.revoked_at_ms is None and one.deleted_at_ms is None:
            dead = replace(one, revoked_at_ms=tx.now_ms, revoked_by=tx.caller.actor, revoke_reason=why)
            tx.keys.save(dead)
            forget_restored_key(tx.key_value, one.id)
            because = {"made_by": key_id} if one is not key else {}
            record_key(tx, "key_revoked", dead, ({"reason": why} if why else {}) | because)
    return get_even_deleted(tx, key_id)
