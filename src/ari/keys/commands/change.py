"""Change a key: name, scopes, expiry, limits, addresses, whether it is disabled or may rotate itself, and its owner's
facts about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from ari.base.clock import to_optional_rfc3339
from ari.base.errors import Conflict, Problem
from ari.base.problems import Problems
from ari.keys import granting, scopes
from ari.keys.commands.consumers import require_consumer
from ari.keys.events import record_key
from ari.keys.expiry import check_expiry
from ari.keys.instance_policy import limit_lifetime
from ari.keys.limits.budget_changes import replace_budgets
from ari.keys.limits.budget_fields import parse_budgets
from ari.keys.limits.changes import list_changes, replace_credits, replace_limits
from ari.keys.limits.fields import parse_limits
from ari.keys.limits.rules import LimitRules
from ari.keys.model import ApiKey
from ari.keys.model_rules import describe_model_rules, parse_model_rules
from ari.keys.names import parse_name
from ari.keys.ownership import parse_environment, parse_metadata, parse_tags
from ari.keys.policy import parse_addresses
from ari.keys.ports import KeyTransaction
from ari.keys.queries import get
from ari.keys.restored_keys import forget_restored_key
from ari.keys.unset import UNSET, Unset


@dataclass(frozen=True, slots=True)
class KeyChange:
    """New values of a key's fields; ``UNSET`` leaves a field as it is, ``expires_at_ms`` ``None`` = never.

    ``limits`` and ``budgets`` replace all, ``credits`` ``None`` removes them.
    ``consumer`` is an ID or external ID, ``None`` = none; ``addresses`` empty = from everywhere.
    ``models`` replace both lists, ``None`` = all models.
    """

    name: str | Unset = UNSET
    scopes: tuple[str, ...] | Unset = UNSET
    expires_at_ms: int | Unset | None = UNSET
    disabled: bool | Unset = UNSET
    limits: Sequence[Mapping[str, Any]] | Unset = UNSET
    credits: Mapping[str, Any] | Unset | None = UNSET
    environment: str | Unset = UNSET
    consumer: str | Unset | None = UNSET
    tags: tuple[str, ...] | Unset = UNSET
    metadata: Mapping[str, Any] | Unset | None = UNSET
    addresses: tuple[str, ...] | Unset = UNSET
    may_rotate: bool | Unset = UNSET
    models: Mapping[str, Sequence[str]] | Unset | None = UNSET
    budgets: Sequence[Mapping[str, Any]] | Unset = UNSET


def change(tx: KeyTransaction, key_id: str, wanted: KeyChange, found: Iterable[Problem] = ()) -> ApiKey:
    """Rename, rescope, re-expire, limit, disable or enable; one event for each field that differs.

    Disabling a key that a restore disabled is an event too: it isn't enabled with the others anymore.

    Raises ``Invalid`` with the problems of all fields and those that the caller has ``found`` already, ``NotFound``,
    ``Forbidden``, ``ReauthRequired`` if the key would gain access, live longer or work again, or
    ``Conflict("key_inactive")`` for a revoked or expired key.
    """
    key = get(tx, key_id)
    granting.require_may_touch(tx, key)
    if key.is_inactive(tx.now_ms):
        raise Conflict("key_inactive", "Revoked and expired keys can't be changed or restored. Create a new key.")
    changed = _apply(tx, key, wanted, Problems(found))
    granting.require_grant(tx, key, changed)
    happened = _differences(key, changed)
    if wanted.disabled is not UNSET and forget_restored_key(tx.key_value, key.id) and key.disabled and changed.disabled:
        happened.append(("key_disabled", {}))  # a restore disabled it; now it stays so
    if happened:
        tx.keys.save(changed)
    for name, detail in happened:
        record_key(tx, name, changed, detail)
    return changed


def _apply(tx: KeyTransaction, key: ApiKey, wanted: KeyChange, problems: Problems) -> ApiKey:
    """The key with the new values. Raises ``Invalid`` with all problems."""
    for step in (_apply_identity, _apply_scopes, _apply_expiry, *_POLICY_STEPS, *_OWNERSHIP_STEPS):
        key = problems.check(key, step, tx, key, wanted)
    problems.raise_found()
    return key


def _apply_identity(tx: KeyTransaction, key: ApiKey, wanted: KeyChange) -> ApiKey:
    if wanted.disabled is not UNSET:
        enabled_at_ms = tx.now_ms if key.disabled and not wanted.disabled else key.enabled_at_ms
        key = replace(key, disabled=wanted.disabled, enabled_at_ms=enabled_at_ms)
    return key if wanted.name is UNSET else replace(key, name=parse_name(wanted.name))


def _apply_scopes(tx: KeyTransaction, key: ApiKey, wanted: KeyChange) -> ApiKey:
    if wanted.scopes is UNSET:
        return key
    return replace(key, scopes=scopes.parse_scopes(wanted.scopes, tx.scopes.names()))


def _apply_expiry(tx: KeyTransaction, key: ApiKey, wanted: KeyChange) -> ApiKey:
    if wanted.expires_at_ms is UNSET or wanted.expires_at_ms == key.expires_at_ms:
        return key
    return replace(key, expires_at_ms=_check_new_expiry(tx, key, wanted.expires_at_ms))


def _apply_limits(_tx: KeyTransaction, key: ApiKey, wanted: KeyChange) -> ApiKey:
    if wanted.limits is UNSET:
        return key
    return _with_rules(key, replace_limits(key.policy.limits, parse_limits(wanted.limits)))


def _apply_credits(tx: KeyTransaction, key: ApiKey, wanted: KeyChange) -> ApiKey:
    if wanted.credits is UNSET:
        return key
    return _with_rules(key, replace_credits(key.policy.limits, wanted.credits, tx.now_ms))


def _apply_budgets(_tx: KeyTransaction, key: ApiKey, wanted: KeyChange) -> ApiKey:
    if wanted.budgets is UNSET:
        return key
    return _with_rules(key, replace_budgets(key.policy.limits, parse_budgets(wanted.budgets)))


def _with_rules(key: ApiKey, rules: LimitRules) -> ApiKey:
    return key if rules is key.policy.limits else key.with_rules(rules)


def _apply_access(_tx: KeyTransaction, key: ApiKey, wanted: KeyChange) -> ApiKey:
    policy = key.policy
    if wanted.may_rotate is not UNSET:
        policy = msgspec.structs.replace(policy, may_rotate=wanted.may_rotate)
    if wanted.addresses is not UNSET:
        policy = msgspec.structs.replace(policy, addresses=parse_addresses(wanted.addresses))
    if wanted.models is not UNSET:
        policy = msgspec.structs.replace(policy, models=parse_model_rules(wanted.models))
    return key if policy is key.policy else replace(key, policy=policy)


def _apply_environment(_tx: KeyTransaction, key: ApiKey, wanted: KeyChange) -> ApiKey:
    return key if wanted.environment is UNSET else replace(key, environment=parse_environment(wanted.environment))


def _apply_consumer(tx: KeyTransaction, key: ApiKey, wanted: KeyChange) -> ApiKey:
    return key if wanted.consumer is UNSET else replace(key, consumer=require_consumer(tx, wanted.consumer))


def _apply_tags(_tx: KeyTransaction, key: ApiKey, wanted: KeyChange) -> ApiKey:
    return key if wanted.tags is UNSET else replace(key, tags=parse_tags(wanted.tags))


def _apply_metadata(_tx: KeyTransaction, key: ApiKey, wanted: KeyChange) -> ApiKey:
    return key if wanted.metadata is UNSET else replace(key, metadata=parse_metadata(wanted.metadata))


_POLICY_STEPS = (_apply_limits, _apply_credits, _apply_budgets, _apply_access)
_OWNERSHIP_STEPS = (_apply_environment, _apply_consumer, _apply_tags, _apply_metadata)


def _check_new_expiry(tx: KeyTransaction, key: ApiKey, expires_at_ms: int | None) -> int | None:
    if expires_at_ms is not None:
        check_expiry(expires_at_ms, tx.now_ms)
    limit_lifetime(tx.instance_policy.get(), expires_at_ms, tx.now_ms, chosen=True)
    kind = None if key.kind is None else tx.kinds.get(key.kind)
    return expires_at_ms if kind is None else kind.limit_expiry(expires_at_ms, key.created_at_ms)


def _differences(before: ApiKey, after: ApiKey) -> list[tuple[str, dict[str, Any]]]:
    """The name and detail of one event for each field that differs."""
    happened: list[tuple[str, dict[str, Any]]] = []
    if before.name != after.name:
        happened.append(("key_renamed", {"from": before.name, "to": after.name}))
    if before.scopes != after.scopes:
        widened = {} if scopes.holds_all(before.scopes, after.scopes) else {"widened": True}
        happened.append(("key_scopes_changed", {"from": list(before.scopes), "to": list(after.scopes)} | widened))
    if before.expires_at_ms != after.expires_at_ms:
        ends = {"from": to_optional_rfc3339(before.expires_at_ms), "to": to_optional_rfc3339(after.expires_at_ms)}
        happened.append(("key_expiry_changed", ends))
    if before.disabled != after.disabled:
        happened.append(("key_disabled" if after.disabled else "key_enabled", {}))
    if before.policy.may_rotate != after.policy.may_rotate:
        happened.append(("key_may_rotate_changed", {"may_rotate": after.policy.may_rotate}))
    happened += list_changes("key", before.policy.limits, after.policy.limits)
    return happened + _ownership_differences(before, after)


def _ownership_differences(before: ApiKey, after: ApiKey) -> list[tuple[str, dict[str, Any]]]:
    happened: list[tuple[str, dict[str, Any]]] = []
    if before.policy.addresses != after.policy.addresses:
        ends = {"from": list(before.policy.addresses), "to": list(after.policy.addresses)}
        happened.append(("key_addresses_changed", ends))
    if before.policy.models != after.policy.models:
        old, new = map(describe_model_rules, (before.policy.models, after.policy.models))
        happened.append(("key_models_changed", {"from": old, "to": new}))
    if before.environment != after.environment:
        happened.append(("key_environment_changed", {"from": before.environment, "to": after.environment}))
    if before.consumer_id != after.consumer_id:
        happened.append(("key_consumer_changed", {"from": before.consumer_id, "to": after.consumer_id}))
    if before.tags != after.tags:
        happened.append(("key_tags_changed", {"from": list(before.tags), "to": list(after.tags)}))
    if before.metadata != after.metadata:
        happened.append(("key_metadata_changed", {}))
    return happened
