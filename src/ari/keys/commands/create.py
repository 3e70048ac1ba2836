"""Create a key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ari.base.clock import to_optional_rfc3339
from ari.base.ids import new_id
from ari.keys import granting, scopes, token
from ari.keys.commands.consumers import require_consumer
from ari.keys.events import record_key
from ari.keys.expiry import expiry_of
from ari.keys.limits.changes import replace_credits, replace_limits
from ari.keys.limits.fields import describe_rules, parse_limits
from ari.keys.limits.rules import NO_RULES, LimitRules
from ari.keys.model import ApiKey
from ari.keys.names import fold_name, parse_name
from ari.keys.ownership import parse_environment, parse_metadata, parse_tags
from ari.keys.policy import Policy, parse_addresses
from ari.keys.ports import KeyTransaction


@dataclass(frozen=True, slots=True)
class NewKey:
    """The properties of a key to create; ``scopes`` ``None`` = the preset ``standard``, neither expiry = never.

    ``limits`` and ``credits`` are as in ``limits.fields``.
    ``consumer`` is an ID or external ID. ``addresses`` are the addresses and networks that it works from; none = all.
    """

    name: str
    expires: str | None = None
    expires_at_ms: int | None = None
    scopes: tuple[str, ...] | None = None
    limits: Sequence[Mapping[str, Any]] = ()
    credits: Mapping[str, Any] | None = None
    environment: str = "live"
    consumer: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] | None = None
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Created:
    """A new key and, this once, its secret.

    ``same_name`` is the number of active keys that already had this name, ``look_alikes`` of those with a name that
    looks like it.
    """

    key: ApiKey
    secret: str = field(repr=False)
    same_name: int
    look_alikes: int = 0


def create(tx: KeyTransaction, new: NewKey) -> Created:
    """Create a key.

    Raises ``Invalid``, ``ReauthRequired``, or ``Forbidden`` if the caller would grant more than it holds.
    """
    name = parse_name(new.name)
    granted = _scopes_of(tx, new)
    expires_at_ms = expiry_of(new.expires, new.expires_at_ms, tx.now_ms)
    secret = token.mint()
    key = ApiKey(
        id=new_id("key", tx.now_ms),
        name=name,
        hint=token.hint(secret),
        scopes=granted,
        created_at_ms=tx.now_ms,
        created_by=tx.caller.actor,
        expires_at_ms=expires_at_ms,
        environment=parse_environment(new.environment),
        tags=parse_tags(new.tags),
        metadata=parse_metadata(new.metadata),
        policy=Policy(addresses=parse_addresses(new.addresses), limits=_make_rules(new, tx.now_ms)),
        consumer=require_consumer(tx, new.consumer),
    )
    granting.require_grant(tx, None, key)
    same_name = tx.keys.count_named(fold_name(name), tx.now_ms)
    look_alikes = tx.keys.count_look_alikes(name, tx.now_ms)
    tx.keys.add(key, token.digest(secret.encode()))
    detail = {"name": name, "scopes": list(granted), "expires_at": to_optional_rfc3339(expires_at_ms)}
    detail |= describe_rules(key.policy.limits) | _describe_ownership(key)
    record_key(tx, "key_created", key, detail)
    return Created(key, secret, same_name, look_alikes)


def _make_rules(new: NewKey, now_ms: int) -> LimitRules:
    rules = replace_limits(NO_RULES, parse_limits(new.limits))
    return rules if new.credits is None else replace_credits(rules, new.credits, now_ms)


def require_may_create(tx: KeyTransaction, new: NewKey) -> None:
    """Raise ``Forbidden`` unless the caller holds all scopes of the new key, and ``Invalid`` for unknown scopes."""
    granting.require_within(tx.caller, _scopes_of(tx, new), "A key can only grant scopes it has.")


def _scopes_of(tx: KeyTransaction, new: NewKey) -> tuple[str, ...]:
    if new.scopes is None:
        return scopes.parse_scopes(scopes.PRESETS[scopes.DEFAULT_PRESET][1])
    return scopes.parse_scopes(new.scopes, tx.scopes.names())


def _describe_ownership(key: ApiKey) -> dict[str, Any]:
    """For the event, what differs from a plain key."""
    detail: dict[str, Any] = {}
    if key.environment != "live":
        detail["environment"] = key.environment
    if key.consumer is not None:
        detail["consumer"] = key.consumer.id
    if key.tags:
        detail["tags"] = list(key.tags)
    if key.policy.addresses:
        detail["addresses"] = list(key.policy.addresses)
    return detail
