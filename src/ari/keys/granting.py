"""Check what a caller may grant: used by every command that creates or changes a key (security.md 11).

A change that gives a key something (a scope, a later expiry, more addresses, being enabled, looser limits) must stay
within the caller's scopes, addresses and allowed models and must not outlive the caller. Rights given to a key that
lives longer than the caller would survive the caller's end. An amount that is added once isn't bound by the caller's
expiry. A key with limits gives nothing: it could get around them
with another key.
What a key belongs to is checked by ``assignment_checks``.
"""

from collections.abc import Iterable

from ari.base.caller import Caller
from ari.base.clock import to_rfc3339
from ari.base.errors import Forbidden
from ari.keys import assignment_checks, scopes
from ari.keys.assignment_checks import get_calling_key
from ari.keys.limits.changes import loosens
from ari.keys.lineage import find_sources
from ari.keys.model import ApiKey
from ari.keys.model_rules import ModelRules, covers_models
from ari.keys.policy import covers_addresses
from ari.keys.ports import KeyTransaction

MAX_SHARING = 1_000
"""The keys of a consumer that are checked if a key changes their limits: some 20 ms."""


def require_grant(tx: KeyTransaction, before: ApiKey | None, after: ApiKey, *, is_once: bool = False) -> None:
    """Check that the caller may turn ``before`` into ``after``; ``before`` is ``None`` for a new key.

    ``is_once``: the change only adds an amount or resets what was used, so the key may outlive the caller.
    A key that gives an existing key something is recorded as one of its grantors, so that revoking the grantor with
    the keys it created also finds this one.
    Raises ``Forbidden``, and ``ReauthRequired`` for a session that must give its password again first.
    """
    caller, calling = tx.caller, get_calling_key(tx)
    if calling is not None:
        assignment_checks.require_facts(tx, calling, before, after)
    gains = before is None or gives_more(before, after)
    if gains or (before is not None and before.scopes != after.scopes):
        require_within(caller, after.scopes, "A key can only grant scopes it has.")
    if (gains and not is_once) or (before is not None and before.expires_at_ms != after.expires_at_ms):
        _require_no_longer(caller, after)
    if gains or (before is not None and before.policy.addresses != after.policy.addresses):
        _require_same_networks(caller, after)
    if calling is not None and (gains or before is None or before.policy.models != after.policy.models):
        require_models_within(calling, after.policy.models)
    if not gains:
        return
    assignment_checks.require_environment(calling, after.environment)
    require_unlimited(calling)
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


def require_models_within(calling: ApiKey | None, models: ModelRules) -> None:
    """Raise ``Forbidden`` unless the calling key may use all models that these rules allow."""
    if calling is not None and not covers_models(calling.policy.models, models):
        raise Forbidden("A key with allowed or denied models can only give access within its own models.")


def require_may_touch(tx: KeyTransaction, key: ApiKey) -> None:
    """Raise ``Forbidden`` for a key that may do more than the caller, or belongs to another consumer than it does."""
    _require_touchable(tx.caller, get_calling_key(tx), key)


def require_takeover(tx: KeyTransaction, key: ApiKey) -> None:
    """Check that the caller may learn a secret of the key, with which it can then act as that key.

    Raises ``Forbidden``, and ``ReauthRequired`` for a session that must give its password again first.
    """
    caller, calling = tx.caller, get_calling_key(tx)
    _require_touchable(caller, calling, key)
    _require_no_longer(caller, key)
    require_unlimited(calling)
    _require_same_networks(caller, key)
    require_models_within(calling, key.policy.models)
    assignment_checks.require_may_act_as(tx, calling, key)
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
    """Whether the change adds a scope, an address or a model, extends the expiry, enables the key, loosens its limits,
    or lets it rotate itself.
    """
    widened = not scopes.holds_all(before.scopes, after.scopes)
    freed = not covers_addresses(before.policy.addresses, after.policy.addresses)
    freed = freed or not covers_models(before.policy.models, after.policy.models)
    enabled = before.disabled and not after.disabled
    allowed = after.policy.may_rotate and not before.policy.may_rotate
    others = _lives_longer(before, after) or _is_less_limited(before, after)
    return widened or freed or enabled or allowed or others


def require_may_limit(tx: KeyTransaction, consumer_id: str, *, loosens: bool, is_once: bool = False) -> None:
    """Check that the caller may change the limits and credits that a consumer's keys share; record what it gives.

    A calling key needs ``keys:write`` and must be allowed to change each of these keys; to loosen limits, it must be
    allowed to give these keys access; ``is_once`` is that of ``require_grant``.
    Raises ``Forbidden``; ``ReauthRequired`` for a session that must give its password again first.
    """
    calling = get_calling_key(tx)
    if calling is not None:
        sharing = _list_sharing(tx, consumer_id)
        for key in sharing:
            _require_touchable(tx.caller, calling, key)
        if loosens:
            _require_may_loosen(tx, calling, consumer_id, sharing, is_once)
    if loosens:
        tx.caller.require_confirmed(tx.now_ms)


def _list_sharing(tx: KeyTransaction, consumer_id: str) -> list[ApiKey]:
    """The keys of a consumer that aren't inactive."""
    require_within(tx.caller, ("keys:write",), "A key needs the scope keys:write to change limits of a consumer.")
    found = tx.consumers.list_keys(consumer_id, MAX_SHARING + 1)
    if len(found) > MAX_SHARING:
        raise Forbidden(f"A key can't change limits that more than {MAX_SHARING:,} keys share.")
    return [key for key in found if not key.is_inactive(tx.now_ms)]


def _require_may_loosen(
    tx: KeyTransaction, calling: ApiKey, consumer_id: str, sharing: list[ApiKey], is_once: bool
) -> None:
    require_unlimited(calling)
    for source in find_sources(tx, calling.id):
        maker = tx.keys.tombstone(source)
        if maker is not None and maker.consumer_id == consumer_id:
            raise Forbidden("A key can't loosen the limits of a key that created it or gave it access.")
    for key in sharing:
        if not is_once:
            _require_no_longer(tx.caller, key)
        _require_same_networks(tx.caller, key)
        require_models_within(calling, key.policy.models)
        assignment_checks.require_environment(calling, key.environment)
    for key in sharing:
        tx.keys.add_grant(calling.id, key.id)


def _require_touchable(caller: Caller, calling: ApiKey | None, key: ApiKey) -> None:
    require_within(caller, key.scopes, "A key cannot touch a key that may do more than itself.")
    assignment_checks.require_own_consumer(calling, key)


def require_unlimited(calling: ApiKey | None) -> None:
    """Raise ``Forbidden`` for a key with limits or budgets: it could get around them with another key."""
    if calling is not None and calling.spending_owners:
        raise Forbidden("A key with limits or budgets can't create keys or give keys more access.")


def _is_less_limited(before: ApiKey, after: ApiKey) -> bool:
    """Whether its own limits are looser, or it leaves a consumer with limits or allowed models."""
    if loosens(before.policy.limits, after.policy.limits):
        return True
    left = before.consumer
    moved = left is not None and (after.consumer is None or after.consumer.id != left.id)
    return moved and left is not None and bool(left.policy.limits or left.policy.models)


def _lives_longer(before: ApiKey, after: ApiKey) -> bool:
    if before.expires_at_ms is None:
        return False
    return after.expires_at_ms is None or after.expires_at_ms > before.expires_at_ms


def _require_no_longer(caller: Caller, key: ApiKey) -> None:
    limit = caller.expires_at_ms
    if limit is not None and (key.expires_at_ms is None or key.expires_at_ms > limit):
        raise Forbidden(
            f"A key can't grant access beyond its own expiry, {to_rfc3339(limit)}. Choose an earlier expiry for the "
            "other key, or use a key that expires later."
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
    if key_id in find_sources(tx, caller_id):
        raise Forbidden("A key can't widen, extend, enable or rotate a key that created it or gave it access.")
