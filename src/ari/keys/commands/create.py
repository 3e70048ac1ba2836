"""Create a key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ari.base.clock import DAY_MS, to_optional_rfc3339
from ari.base.ids import new_id
from ari.keys import granting, scopes, token
from ari.keys.assignment_checks import default_environment, get_calling_key, inherit
from ari.keys.commands.consumers import require_consumer
from ari.keys.commands.kinds import require_kind
from ari.keys.commands.presets import get_default_preset
from ari.keys.events import record_key
from ari.keys.expiry import expiry_of
from ari.keys.instance_policy import limit_lifetime
from ari.keys.kinds import Kind, describe_default_credits
from ari.keys.limits.changes import replace_credits, replace_limits
from ari.keys.limits.fields import describe_rules, parse_limits
from ari.keys.limits.rules import NO_RULES, LimitRules
from ari.keys.model import ApiKey
from ari.keys.names import fold_name, parse_name
from ari.keys.ownership import parse_environment, parse_metadata, parse_tags
from ari.keys.policy import Policy, parse_addresses
from ari.keys.ports import KeyTransaction
from ari.keys.queries import get_even_deleted
from ari.keys.unset import UNSET, Unset


@dataclass(frozen=True, slots=True)
class NewKey:
    """The properties of a key to create; ``scopes`` ``None`` = those of the default preset, neither expiry =
    never, or the longest lifetime that the instance allows.

    ``limits`` and ``credits`` are as in ``limits.fields``; ``UNSET`` = those of the kind, or none.
    ``kind`` is the name of a kind, whose defaults replace those here; ``environment`` ``None`` = that of the calling
    key, or ``live``. A calling key that belongs to a consumer gives its consumer, tags and metadata where these are
    empty. ``consumer`` is an ID or external ID; ``addresses`` are those that the key works from, none = all.
    With ``may_rotate``, the holder may get new secrets.
    """

    name: str
    expires: str | None = None
    expires_at_ms: int | None = None
    scopes: tuple[str, ...] | None = None
    limits: Sequence[Mapping[str, Any]] | Unset = UNSET
    credits: Mapping[str, Any] | Unset | None = UNSET
    environment: str | None = None
    consumer: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] | None = None
    addresses: tuple[str, ...] = ()
    kind: str | None = None
    may_rotate: bool = False


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
    kind = require_kind(tx, new.kind)
    granted = _scopes_of(tx, new, kind)
    chosen = new.expires is not None or new.expires_at_ms is not None
    expires_at_ms = limit_lifetime(tx.instance_policy.get(), _expiry_of(tx, new, kind), tx.now_ms, chosen=chosen)
    secret = token.mint() if kind is None else token.mint(kind.prefix)
    environment = new.environment or (None if kind is None else kind.defaults.environment)
    calling = get_calling_key(tx)
    key = ApiKey(
        id=new_id("key", tx.now_ms),
        name=name,
        hint=token.hint(secret),
        scopes=granted,
        created_at_ms=tx.now_ms,
        created_by=tx.caller.actor,
        expires_at_ms=expires_at_ms,
        kind=None if kind is None else kind.name,
        environment=parse_environment(environment or default_environment(calling)),
        tags=parse_tags(new.tags),
        metadata=parse_metadata(new.metadata),
        policy=Policy(
            addresses=parse_addresses(new.addresses),
            limits=_make_rules(new, kind, tx.now_ms),
            may_rotate=new.may_rotate,
        ),
        consumer=require_consumer(tx, new.consumer),
    )
    key = inherit(calling, key)
    granting.require_grant(tx, None, key)
    same_name = tx.keys.count_named(fold_name(name), tx.now_ms)
    look_alikes = tx.keys.count_look_alikes(name, tx.now_ms)
    tx.keys.add(key, token.digest(secret.encode()))
    detail = {"name": name, "scopes": list(granted), "expires_at": to_optional_rfc3339(expires_at_ms)}
    detail |= describe_rules(key.policy.limits) | _describe_ownership(key)
    record_key(tx, "key_created", key, detail | ({"may_rotate": True} if new.may_rotate else {}))
    return Created(key, secret, same_name, look_alikes)


def _make_rules(new: NewKey, kind: Kind | None, now_ms: int) -> LimitRules:
    """What isn't given is the kind's. Its credits begin now."""
    default = NO_RULES if kind is None else kind.defaults.rules
    granted = new.credits
    if granted is UNSET:
        granted = None if default.credits is None else describe_default_credits(default.credits)
    rules = replace_limits(NO_RULES, default.limits if new.limits is UNSET else parse_limits(new.limits))
    return rules if granted is None else replace_credits(rules, granted, now_ms)


def require_may_create(tx: KeyTransaction, new: NewKey) -> None:
    """Raise ``Forbidden`` unless the caller holds all scopes of the new key, and ``Invalid`` for unknown scopes."""
    wanted = _scopes_of(tx, new, require_kind(tx, new.kind))
    granting.require_within(tx.caller, wanted, "A key can only grant scopes it has.")


def require_may_receive(tx: KeyTransaction, key_id: str) -> None:
    """Raise ``Forbidden`` or ``ReauthRequired`` unless the caller may have the secret of a key that it created again.

    The caller may have been narrowed since, or the key may be able to do more.
    """
    granting.require_takeover(tx, get_even_deleted(tx, key_id))


def _expiry_of(tx: KeyTransaction, new: NewKey, kind: Kind | None) -> int | None:
    if kind is None:
        return expiry_of(new.expires, new.expires_at_ms, tx.now_ms)
    word, days = new.expires, kind.defaults.max_lifetime_days
    if word is None and new.expires_at_ms is None:
        word = kind.defaults.expires
        if word is None and days is not None:
            return tx.now_ms + days * DAY_MS
    return kind.limit_expiry(expiry_of(word, new.expires_at_ms, tx.now_ms), tx.now_ms)


def _scopes_of(tx: KeyTransaction, new: NewKey, kind: Kind | None) -> tuple[str, ...]:
    if new.scopes is None and kind is not None and kind.defaults.scopes is not None:
        return scopes.parse_scopes(kind.defaults.scopes, tx.scopes.names())
    if new.scopes is None:
        return scopes.parse_scopes(get_default_preset(tx).scopes, tx.scopes.names())
    return scopes.parse_scopes(new.scopes, tx.scopes.names())


def _describe_ownership(key: ApiKey) -> dict[str, Any]:
    """For the event, what differs from a plain key."""
    detail: dict[str, Any] = {} if key.kind is None else {"kind": key.kind}
    if key.environment != "live":
        detail["environment"] = key.environment
    if key.consumer is not None:
        detail["consumer"] = key.consumer.id
    if key.tags:
        detail["tags"] = list(key.tags)
    if key.policy.addresses:
        detail["addresses"] = list(key.policy.addresses)
    return detail
