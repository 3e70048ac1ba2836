"""Create a key."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ari.base.clock import DAY_MS, to_optional_rfc3339
from ari.base.errors import Invalid, Problem
from ari.base.ids import new_id
from ari.base.problems import Problems
from ari.keys import granting, scopes, token
from ari.keys.assignment_checks import default_environment, get_calling_key, inherit
from ari.keys.commands.consumers import require_consumer
from ari.keys.commands.kinds import require_kind
from ari.keys.commands.presets import get_default_preset
from ari.keys.events import record_key
from ari.keys.expiry import expiry_of
from ari.keys.instance_policy import limit_lifetime
from ari.keys.kinds import Kind, describe_default_credits
from ari.keys.limits.budget_changes import replace_budgets
from ari.keys.limits.budget_fields import parse_budgets
from ari.keys.limits.changes import replace_credits, replace_limits
from ari.keys.limits.fields import parse_limits
from ari.keys.limits.rule_facts import describe_rules
from ari.keys.limits.rules import NO_RULES, LimitRules
from ari.keys.model import ApiKey
from ari.keys.model_rules import NO_MODEL_RULES, ModelRules, describe_model_rules, parse_model_rules
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

    ``limits`` and ``credits`` are as in ``limits.fields``, ``models`` as in ``model_rules`` (``None`` = all) and
    ``budgets`` as in ``limits.budget_fields``; ``UNSET`` = those of the kind, or none.
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
    models: Mapping[str, Sequence[str]] | Unset | None = UNSET
    budgets: Sequence[Mapping[str, Any]] | Unset = UNSET


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


def create(tx: KeyTransaction, new: NewKey, found: Iterable[Problem] = ()) -> Created:
    """Create a key.

    Raises ``ReauthRequired``, ``Forbidden`` if the caller would grant more than it holds, or ``Invalid`` with the
    problems of all properties; ``found`` are those that the caller saw already.
    """
    kind, key = _check(tx, new, found)
    secret = token.mint() if kind is None else token.mint(kind.prefix)
    key = replace(key, hint=token.hint(secret))
    granting.require_grant(tx, None, key)
    same_name = tx.keys.count_named(fold_name(key.name), tx.now_ms)
    look_alikes = tx.keys.count_look_alikes(key.name, tx.now_ms)
    tx.keys.add(key, token.digest(secret.encode()))
    detail = {"name": key.name, "scopes": list(key.scopes), "expires_at": to_optional_rfc3339(key.expires_at_ms)}
    detail |= describe_rules(key.policy.limits) | _describe_ownership(key)
    record_key(tx, "key_created", key, detail | ({"may_rotate": True} if new.may_rotate else {}))
    return Created(key, secret, same_name, look_alikes)


def _check(tx: KeyTransaction, new: NewKey, found: Iterable[Problem]) -> tuple[Kind | None, ApiKey]:
    """The kind and the key, still without a secret. Raises ``Invalid`` with all problems, ``Forbidden``."""
    problems, calling = Problems(found), get_calling_key(tx)
    name = problems.check("", parse_name, new.name)
    kind = problems.check(None, require_kind, tx, new.kind)
    environment = new.environment or (None if kind is None else kind.defaults.environment)
    key = ApiKey(
        id=new_id("key", tx.now_ms),
        name=name,
        hint="",
        scopes=problems.check((), _scopes_of, tx, new, kind),
        created_at_ms=tx.now_ms,
        created_by=tx.caller.actor,
        expires_at_ms=problems.check(None, _expiry_of, tx, new, kind),
        kind=None if kind is None else kind.name,
        environment=problems.check("live", parse_environment, environment or default_environment(calling)),
        tags=problems.check((), parse_tags, new.tags),
        metadata=problems.check(None, parse_metadata, new.metadata),
        policy=Policy(
            addresses=problems.check((), parse_addresses, new.addresses),
            limits=_check_rules(problems, new, kind, tx.now_ms),
            may_rotate=new.may_rotate,
            models=problems.check(NO_MODEL_RULES, _models_of, new, kind),
        ),
        consumer=problems.check(None, require_consumer, tx, new.consumer),
    )
    problems.raise_found()
    return kind, inherit(calling, key)


def _check_rules(problems: Problems, new: NewKey, kind: Kind | None, now_ms: int) -> LimitRules:
    """What isn't given is the kind's. Its credits begin now."""
    default = NO_RULES if kind is None else kind.defaults.rules
    granted = new.credits
    if granted is UNSET:
        granted = None if default.credits is None else describe_default_credits(default.credits)
    limits = default.limits if new.limits is UNSET else problems.check((), parse_limits, new.limits)
    rules = replace_limits(NO_RULES, limits)
    budgets = default.budgets if new.budgets is UNSET else problems.check((), parse_budgets, new.budgets)
    rules = replace_budgets(rules, budgets)
    return rules if granted is None else problems.check(rules, replace_credits, rules, granted, now_ms)


def require_may_create(tx: KeyTransaction, new: NewKey, found: Iterable[Problem] = ()) -> None:
    """Raise ``Forbidden`` unless the caller holds all scopes of the new key, and ``Invalid`` as ``create`` for unknown
    scopes."""
    try:
        wanted = _scopes_of(tx, new, require_kind(tx, new.kind))
    except Invalid:
        _check(tx, new, found)
        raise
    granting.require_within(tx.caller, wanted, "A key can only grant scopes it has.")


def require_may_receive(tx: KeyTransaction, key_id: str) -> None:
    """Raise ``Forbidden`` or ``ReauthRequired`` unless the caller may have the secret of a key that it created again.

    The caller may have been narrowed since, or the key may be able to do more.
    """
    granting.require_takeover(tx, get_even_deleted(tx, key_id))


def _expiry_of(tx: KeyTransaction, new: NewKey, kind: Kind | None) -> int | None:
    chosen = new.expires is not None or new.expires_at_ms is not None
    return limit_lifetime(tx.instance_policy.get(), _expiry_by_kind(tx, new, kind), tx.now_ms, chosen=chosen)


def _expiry_by_kind(tx: KeyTransaction, new: NewKey, kind: Kind | None) -> int | None:
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


def _models_of(new: NewKey, kind: Kind | None) -> ModelRules:
    if new.models is UNSET:
        return (None if kind is None else kind.defaults.models) or NO_MODEL_RULES
    return parse_model_rules(new.models)


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
    if key.policy.models:
        detail["models"] = describe_model_rules(key.policy.models)
    return detail
