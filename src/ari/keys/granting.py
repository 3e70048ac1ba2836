"""Check what a caller may grant: used by every command that creates or changes a key (security.md 11).

A change that gives a key something (a scope, a later expiry, more addresses, being enabled, looser limits) must stay
within the caller's scopes and addresses and must not outlive the caller. Rights given to a key that lives longer than
the caller would survive the caller's end. A key with limits gives nothing: it could get around them with another key.
"""

from collections.abc import Iterable

from ari.base.caller import Caller
from ari.base.clock import to_rfc3339
from ari.base.errors import Forbidden
from ari.keys import scopes
from ari.keys.limits.changes import loosens
from ari.keys.model import ApiKey
from ari.keys.policy import covers_addresses
from ari.keys.ports import KeyTransaction


def require_grant(tx: KeyTransaction, before: ApiKey | None, after: ApiKey) -> None:
    """Check that the caller may turn ``before`` into ``after``; ``before`` is ``None`` for a new key.

    A key that gives an existing key something is recorded as one of its grantors, so that revoking the grantor with
    the keys it created also finds this one.
    Raises ``Forbidden``, and ``ReauthRequired`` for a session that must give its password again first.
    """
    caller = tx.caller
    gains = before is None or gives_more(before, after)
    if gains or (before is not None and before.scopes != after.scopes):
        require_within(caller, after.scopes, "A key can only grant scopes it has.")
    if gains or (before is not None and before.expires_at_ms != after.expires_at_ms):
        _require_no_longer(caller, after)
    if gains or (before is not None and before.policy.addresses != after.policy.addresses):
        _require_same_networks(caller, after)
    if not gains:
        return
    _require_unlimited(tx)
    if before is not None and caller.key_id is not None:
        _require_other_key(tx, caller.key_id, after.id)
    caller.require_confirmed(tx.now_ms)
    if before is not None and caller.key_id is not None:
        tx.keys.add_grant(caller.key_id, after.id)


def require_within(caller: Caller, wanted: Iterable[str], otherwise: str) -> None:
    """Raise ``Forbidden`` with these words unless the caller holds every scope."""
    for scope in wanted:
        if not scopes.holds(caller.scopes, scope):
            raise Forbidden(otherwise, scope)


def require_may_touch(caller: Caller, key: ApiKey) -> None:
    """Raise ``Forbidden`` for a key that may do more than the caller."""
    require_within(caller, key.scopes, "A key cannot touch a key that may do more than itself.")


def require_takeover(tx: KeyTransaction, key: ApiKey) -> None:
    """Check that the caller may learn a secret of the key, with which it can then act as that key.

    Raises ``Forbidden``, and ``ReauthRequired`` for a session that must give its password again first.
    """
    caller = tx.caller
    require_may_touch(caller, key)
    _require_no_longer(caller, key)
    _require_unlimited(tx)
    _require_same_networks(caller, key)
    if caller.key_id is not None:
        _require_other_key(tx, caller.key_id, key.id)
    caller.require_confirmed(tx.now_ms)


def require_self_rotation(key: ApiKey) -> None:
    """Raise ``Forbidden`` unless the policy lets the holder of this key rotate it."""
    if not key.policy.may_rotate:
        raise Forbidden("This key can't rotate itself. Its owner can allow that with may_rotate.")


def record_takeover(tx: KeyTransaction, key: ApiKey) -> None:
    """Record a key that learned a secret of another one, so that revoking it with the keys it made finds that one."""
    if tx.caller.key_id not in (None, key.id):
        tx.keys.add_grant(tx.caller.actor, key.id)


def gives_more(before: ApiKey, after: ApiKey) -> bool:
    """Whether the change adds a scope or an address, extends the expiry, enables the key, loosens its limits, or lets
    it rotate itself.
    """
    widened = not scopes.holds_all(before.scopes, after.scopes)
    freed = not covers_addresses(before.policy.addresses, after.policy.addresses)
    enabled = before.disabled and not after.disabled
    allowed = after.policy.may_rotate and not before.policy.may_rotate
    others = _lives_longer(before, after) or _is_less_limited(before, after)
    return widened or freed or enabled or allowed or others


def require_may_loosen(tx: KeyTransaction, consumer_id: str) -> None:
    """Check that the caller may loosen the limits that a consumer's keys share.

    Raises ``Forbidden`` for a key with limits, and for one that was made by a key of this consumer; ``ReauthRequired``
    for a session that must give its password again first.
    """
    _require_unlimited(tx)
    if tx.caller.key_id is not None:
        for source in _find_sources(tx, tx.caller.key_id):
            maker = tx.keys.tombstone(source)
            if maker is not None and maker.consumer is not None and maker.consumer.id == consumer_id:
                raise Forbidden("A key can't loosen the limits of a key that created it or gave it access.")
    tx.caller.require_confirmed(tx.now_ms)


def find_descendants(tx: KeyTransaction, key_id: str) -> list[ApiKey]:
    """The keys that this key created or let do more, and theirs in turn; without the key itself, each once."""
    found: dict[str, ApiKey] = {}
    grantors = [key_id]
    while grantors:
        for key in tx.keys.list_made_by(grantors.pop()):
            if key.id != key_id and key.id not in found:
                found[key.id] = key
                grantors.append(key.id)
    return list(found.values())


def _require_unlimited(tx: KeyTransaction) -> None:
    key = None if tx.caller.key_id is None else tx.keys.get(tx.caller.key_id)
    if key is not None and key.rule_owners:
        raise Forbidden("A key with limits can't create keys or give keys more access.")


def _is_less_limited(before: ApiKey, after: ApiKey) -> bool:
    """Whether its own limits are looser, or it leaves a consumer with limits."""
    if loosens(before.policy.limits, after.policy.limits):
        return True
    left = before.consumer
    moved = left is not None and (after.consumer is None or after.consumer.id != left.id)
    return moved and left is not None and bool(left.policy.limits)


def _lives_longer(before: ApiKey, after: ApiKey) -> bool:
    if before.expires_at_ms is None:
        return False
    return after.expires_at_ms is None or after.expires_at_ms > before.expires_at_ms


def _require_no_longer(caller: Caller, key: ApiKey) -> None:
    limit = caller.expires_at_ms
    if limit is not None and (key.expires_at_ms is None or key.expires_at_ms > limit):
        raise Forbidden(
            f"A key can't grant access beyond its own expiry, {to_rfc3339(limit)}. Choose an earlier expiry for the "
            "other key."
        )


def _require_same_networks(caller: Caller, key: ApiKey) -> None:
    if not covers_addresses(caller.addresses, key.policy.addresses):
        raise Forbidden(
            "A key that is bound to IP addresses can only give access from these: " + ", ".join(caller.addresses) + "."
        )


def _require_other_key(tx: KeyTransaction, caller_id: str, key_id: str) -> None:
    """Refuse the caller itself, and every key that the caller has its rights from.

    The owner may have narrowed, shortened or disabled that key; its own offspring must not undo it.
    """
    if caller_id == key_id:
        raise Forbidden(
            "A key can't add scopes to itself, extend its own expiry, loosen its limits, enable itself or allow its "
            "rotation."
        )
    if key_id in _find_sources(tx, caller_id):
        raise Forbidden("A key can't widen, extend, enable or rotate a key that created it or gave it access.")


def _find_sources(tx: KeyTransaction, key_id: str) -> set[str]:
    """The keys that this key has its rights from, and those that they have theirs from."""
    found, sources = set[str](), [key_id]
    while sources:
        for source in tx.keys.sources_of(sources.pop()):
            if source not in found:
                found.add(source)
                sources.append(source)
    return found
