"""Revoke, disable, enable or re-expire the keys of a consumer or with a tag, in batches of one transaction each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ari.base.errors import Conflict
from ari.keys import granting
from ari.keys.commands.bulk import MAX_KEYS_AT_ONCE
from ari.keys.commands.change import KeyChange, change
from ari.keys.commands.revoke import revoke
from ari.keys.expiry import check_expiry
from ari.keys.listing import KeyFilter, KeyListTransaction, Order
from ari.keys.model import ApiKey
from ari.keys.names import parse_reason
from ari.keys.unset import Unset

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
class AffectedKeys:
    """The keys of a batch, and how many more the change fits."""

    keys: list[ApiKey]
    remaining: int


def list_affected(tx: KeyListTransaction, where: KeyFilter, wanted: BulkChange) -> AffectedKeys:
    """The keys that ``change_matching`` would change first. Raises ``Forbidden`` as it does for keys out of reach."""
    fitting = _narrow(where, wanted)
    found = tx.listing.run(fitting, _NEWEST_FIRST, None, MAX_KEYS_AT_ONCE)
    _check(tx, wanted)
    for key in found:
        granting.require_may_touch(tx, key)
    return AffectedKeys(found, tx.listing.count(fitting) - len(found))


def change_matching(
    tx: KeyListTransaction, where: KeyFilter, wanted: BulkChange, confirmed: Confirmed | None = None
) -> AffectedKeys:
    """Change at most ``MAX_KEYS_AT_ONCE`` of the matching keys, with one event each; repeat it while some remain.

    Changes none if one is out of reach. Raises ``Invalid``, ``Forbidden``, ``ReauthRequired``, or
    ``Conflict("keys_changed")`` if the keys aren't exactly those that were confirmed.
    """
    _check(tx, wanted)
    tx.keys.stamp_expired(tx.now_ms)  # keys skipped as expired stay expired, even if the clock is set back
    fitting = _narrow(where, wanted if confirmed is None else confirmed.change)
    found = tx.listing.run(fitting, _NEWEST_FIRST, None, MAX_KEYS_AT_ONCE)
    key_ids = _lock(tx, fitting, sorted(key.id for key in found))
    if confirmed is not None and set(key_ids) != confirmed.key_ids:
        raise Conflict("keys_changed", "The matching keys changed in the meantime, so no key was changed.")
    done = [_apply(tx, key_id, wanted) for key_id in key_ids]
    return AffectedKeys(done, tx.listing.count(_narrow(where, wanted)))


def _check(tx: KeyListTransaction, wanted: BulkChange) -> None:
    parse_reason(wanted.reason)
    if isinstance(wanted.expires_at_ms, int):
        check_expiry(wanted.expires_at_ms, tx.now_ms)


def _lock(tx: KeyListTransaction, fitting: KeyFilter, key_ids: Sequence[str]) -> list[str]:
    """Those that still fit once nobody else can change them."""
    for key_id in key_ids:
        tx.keys.get(key_id)
    return sorted(key.id for key in tx.listing.among(fitting, key_ids))


def _apply(tx: KeyListTransaction, key_id: str, wanted: BulkChange) -> ApiKey:
    if wanted.action == "revoke":
        return revoke(tx, key_id, wanted.reason)
    if wanted.action == "expire":
        return change(tx, key_id, KeyChange(expires_at_ms=wanted.expires_at_ms))
    return change(tx, key_id, KeyChange(disabled=wanted.action == "disable"))


def _narrow(where: KeyFilter, wanted: BulkChange) -> KeyFilter:
    """The keys that the change would alter."""
    if where.activity == "inactive":
        return replace(where, key_ids=frozenset())
    working = replace(where, activity="active")
    if wanted.action == "expire":
        return replace(working, other_expiry_than=wanted.expires_at_ms)
    if wanted.action == "revoke":
        return working
    return replace(working, disabled=wanted.action == "enable")
