"""Bulk commands with caller and time passed along by hand, for doors that do not use ``Deps`` yet."""

from collections.abc import Iterable, Sequence

from ari.base.caller import Caller
from ari.base.transaction import at
from ari.keys.commands import bulk
from ari.keys.commands.bulk import MAX_KEYS_AT_ONCE, Selection
from ari.keys.model import ApiKey
from ari.keys.ports import KeyTransaction

__all__ = ["MOST_AT_ONCE", "Selection", "deletable", "delete", "expire", "revocable", "revoke"]

MOST_AT_ONCE = MAX_KEYS_AT_ONCE


def revocable(unit: KeyTransaction, now_ms: int, key_ids: Iterable[str]) -> Selection:
    return bulk.select_revocable(at(unit, unit.caller, now_ms), key_ids)


def deletable(unit: KeyTransaction, now_ms: int, key_ids: Iterable[str]) -> Selection:
    return bulk.select_deletable(at(unit, unit.caller, now_ms), key_ids)


def revoke(
    unit: KeyTransaction, caller: Caller, now_ms: int, key_ids: Sequence[str], reason: str | None = None
) -> list[ApiKey]:
    return bulk.revoke_many(at(unit, caller, now_ms), key_ids, reason)


def delete(unit: KeyTransaction, caller: Caller, now_ms: int, key_ids: Sequence[str]) -> list[ApiKey]:
    return bulk.delete_many(at(unit, caller, now_ms), key_ids)


def expire(
    unit: KeyTransaction, caller: Caller, now_ms: int, key_ids: Sequence[str], expires_at_ms: int | None
) -> list[ApiKey]:
    return bulk.change_expiry_of_many(at(unit, caller, now_ms), key_ids, expires_at_ms)
