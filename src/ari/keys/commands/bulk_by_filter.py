"""Revoke, disable, enable or re-expire the keys of a consumer or with a tag, in batches of one transaction each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ari.base.clock import DAY_MS, LATEST_MS
from ari.base.errors import Conflict, Invalid, Problem
from ari.keys import granting
from ari.keys.commands.bulk import MAX_KEYS_AT_ONCE, name_key
from ari.keys.commands.change import KeyChange, change
from ari.keys.commands.revoke import revoke
from ari.keys.expiry import check_expiry
from ari.keys.instance_policy import limit_lifetime
from ari.keys.listing import KeyFilter, KeyListTransaction, Order
from ari.keys.model import ApiKey
from ari.keys.names import parse_reason
from ari.keys.unset import UNSET, Unset

BulkAction = Literal["revoke", "disable", "enable", "expire"]

_NEWEST_FIRST = Order("created", descending=True)


@dataclass(frozen=True, slots=True)
class BulkChange:
    """``reason`` is of ``revoke``, ``expires_at_ms`` of ``expire``: ``None`` = never, ``UNSET`` = not chosen yet."""

    action: BulkAction
    reason: str | None = None
    expires_at_ms: int | Unset | None = None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The keys that ``list_affected`` listed for ``change``, and that somebody confirmed."""

    key_ids: frozenset[str]
    change: BulkChange


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A key that the change doesn't fit, and a sentence that says why."""

    key: ApiKey
    reason: str


@dataclass(frozen=True, slots=True)
class AffectedKeys:
    """The keys of a batch, newest first, and how many more the change fits.

    ``left_out`` are the newest of the ``left_out_count`` keys whose kind doesn't allow the new expiry.
    """

    keys: list[ApiKey]
    remaining: int
    left_out: Sequence[LeftOut] = ()
    left_out_count: int = 0


def list_affected(tx: KeyListTransaction, where: KeyFilter, wanted: BulkChange) -> AffectedKeys:
    """The keys that ``change_matching`` would change first. Raises ``Forbidden`` as it does for keys out of reach."""
    fitting = _narrow(tx, where, wanted)
    found = tx.listing.run(fitting, _NEWEST_FIRST, None, MAX_KEYS_AT_ONCE)
    _check(tx, wanted)
    for key in found:
        with name_key(key):
            granting.require_may_touch(tx, key)
    return _add_left_out(tx, AffectedKeys(found, tx.listing.count(fitting) - len(found)), fitting, wanted)


def change_matching(
    tx: KeyListTransaction, where: KeyFilter, wanted: BulkChange, confirmed: Confirmed | None = None
) -> AffectedKeys:
    """Change at most ``MAX_KEYS_AT_ONCE`` of the matching keys, with one event each; repeat it while some remain.

    Changes none if one is out of reach. Raises ``Invalid``, ``Forbidden``, ``ReauthRequired``, or
    ``Conflict("keys_changed")`` if the keys aren't exactly those that were confirmed.
    """
    _check(tx, wanted)
    tx.keys.stamp_expired(tx.now_ms)  # keys skipped as expired stay expired, even if the clock is set back
    fitting = _narrow(tx, where, wanted if confirmed is None else confirmed.change)
    found = tx.listing.run(fitting, _NEWEST_FIRST, None, MAX_KEYS_AT_ONCE)
    chosen = _lock(tx, fitting, sorted(key.id for key in found))
    if confirmed is not None and {key.id for key in chosen} != confirmed.key_ids:
        _require_all_fit(tx, fitting, wanted, confirmed.key_ids)
        raise Conflict("keys_changed", "The matching keys changed in the meantime, so no key was changed.")
    done = [_apply(tx, key, wanted) for key in chosen][::-1]
    fitting = _narrow(tx, where, wanted)
    return _add_left_out(tx, AffectedKeys(done, tx.listing.count(fitting)), fitting, wanted)


def _check(tx: KeyListTransaction, wanted: BulkChange) -> None:
    parse_reason(wanted.reason)
    if isinstance(wanted.expires_at_ms, int):
        check_expiry(wanted.expires_at_ms, tx.now_ms)
    if wanted.action == "expire" and wanted.expires_at_ms is not UNSET:
        limit_lifetime(tx.instance_policy.get(), wanted.expires_at_ms, tx.now_ms, chosen=True)


def _lock(tx: KeyListTransaction, fitting: KeyFilter, key_ids: Sequence[str]) -> list[ApiKey]:
    """Those that still fit once nobody else can change them."""
    for key_id in key_ids:
        tx.keys.get(key_id)
    return sorted(tx.listing.among(fitting, key_ids), key=lambda key: key.id)


def _apply(tx: KeyListTransaction, key: ApiKey, wanted: BulkChange) -> ApiKey:
    with name_key(key):
        if wanted.action == "revoke":
            return revoke(tx, key.id, wanted.reason)
        if wanted.action == "expire":
            return change(tx, key.id, KeyChange(expires_at_ms=wanted.expires_at_ms))
        return change(tx, key.id, KeyChange(disabled=wanted.action == "disable"))


def _narrow(tx: KeyListTransaction, where: KeyFilter, wanted: BulkChange) -> KeyFilter:
    """The keys that the change would alter.

    Disabling alters those that a restore disabled, too: they aren't enabled with the others anymore.
    """
    if where.activity == "inactive":
        return replace(where, key_ids=frozenset())
    working = replace(where, activity="active")
    if wanted.action == "expire":
        since = _find_oldest(tx, wanted.expires_at_ms)
        return replace(working, other_expiry_than=wanted.expires_at_ms, created_since=since)
    if wanted.action == "revoke":
        return working
    if wanted.action == "enable":
        return replace(working, disabled=True)
    return replace(working, disabled=False, or_restored=True)


def _find_oldest(tx: KeyListTransaction, expires_at_ms: int | Unset | None) -> tuple[tuple[str, int], ...]:
    """For each kind with a longest lifetime, since when a key must exist to live until then (``limit_expiry``)."""
    if expires_at_ms is UNSET:
        return ()
    latest_ms = LATEST_MS if expires_at_ms is None else expires_at_ms
    limited = ((kind.name, kind.defaults.max_lifetime_days) for kind in tx.kinds.all())
    return tuple((name, latest_ms - days * DAY_MS) for name, days in limited if days is not None)


def _add_left_out(
    tx: KeyListTransaction, affected: AffectedKeys, fitting: KeyFilter, wanted: BulkChange
) -> AffectedKeys:
    if not fitting.created_since:
        return affected
    others = replace(fitting, too_old=True)
    found = tx.listing.run(others, _NEWEST_FIRST, None, MAX_KEYS_AT_ONCE)
    left_out = [LeftOut(key, _explain(tx, key, wanted)) for key in found]
    return replace(affected, left_out=left_out, left_out_count=tx.listing.count(others))


def _require_all_fit(tx: KeyListTransaction, fitting: KeyFilter, wanted: BulkChange, key_ids: Collection[str]) -> None:
    """Raise ``Invalid`` with the first of these keys whose kind doesn't allow the new expiry."""
    for key in tx.listing.among(replace(fitting, too_old=True), sorted(key_ids)):
        with name_key(key):
            raise Invalid(Problem("expires_at", _explain(tx, key, wanted)))


def _explain(tx: KeyListTransaction, key: ApiKey, wanted: BulkChange) -> str:
    kind = None if key.kind is None else tx.kinds.get(key.kind)
    try:
        if kind is not None and wanted.expires_at_ms is not UNSET:
            kind.limit_expiry(wanted.expires_at_ms, key.created_at_ms)
    except Invalid as error:
        return error.problems[0].message
    raise AssertionError("a key that is left out breaks the rule of its kind")
