"""What can be done to a key. Each command is one transaction of the unit it is given and writes one event.

The rules of who may do what to which key (security.md 11) are here and in ``granting``, so every door has them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from ari.base.caller import Caller
from ari.base.clock import DAY_MS, to_rfc3339
from ari.base.errors import Conflict, NotFound
from ari.base.events import Event
from ari.base.ids import is_id, new_id
from ari.keys import granting, scopes, token
from ari.keys.expiry import checked_expiry, expiry_of
from ari.keys.model import ApiKey
from ari.keys.names import checked_name, checked_reason, folded
from ari.keys.ports import KeyTransaction


class Unset(Enum):
    """Marks a field of a change that stays as it is."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a new key shall be; ``scopes`` ``None`` = the Standard preset, neither expiry = never."""

    name: str
    expires: str | None = None
    expires_at_ms: int | None = None
    scopes: tuple[str, ...] | None = None
    form_id: str | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """A new key and, this once, its secret.

    ``same_name`` living keys had this name before, ``look_alikes`` one that looks like it.
    """

    key: ApiKey
    secret: str
    same_name: int
    look_alikes: int = 0


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What shall differ; ``UNSET`` leaves a field alone, ``expires_at_ms`` ``None`` = never."""

    name: str | Unset = UNSET
    scopes: tuple[str, ...] | Unset = UNSET
    expires_at_ms: int | Unset | None = UNSET
    disabled: bool | Unset = UNSET


def create(unit: KeyTransaction, caller: Caller, now_ms: int, new: NewKey) -> Created:
    """Make a key.

    Raises ``Invalid``, ``Unconfirmed``, or ``Forbidden`` if the caller would grant more than it holds.
    """
    name = checked_name(new.name)
    granted = scopes.validated(scopes.PRESETS[scopes.DEFAULT_PRESET][1] if new.scopes is None else new.scopes)
    expires_at_ms = expiry_of(new.expires, new.expires_at_ms, now_ms)
    secret = token.mint()
    key = ApiKey(
        id=new_id("key", now_ms),
        name=name,
        hint=token.hint(secret),
        scopes=granted,
        created_at_ms=now_ms,
        created_by=caller.actor,
        expires_at_ms=expires_at_ms,
    )
    granting.require_grant(unit, caller, now_ms, None, key)
    same_name = unit.keys.count_named(folded(name), now_ms)
    look_alikes = unit.keys.count_look_alikes(name, now_ms)
    unit.keys.add(key, token.digest(secret.encode()), token.HASH_VERSION)
    detail = {"name": name, "scopes": list(granted), "expires_at": _time(expires_at_ms)}
    _record(unit, caller, now_ms, "key_created", key, detail | ({"form": new.form_id} if new.form_id else {}))
    return Created(key, secret, same_name, look_alikes)


def require_may_create(caller: Caller, new: NewKey) -> None:
    """Raise ``Forbidden`` unless the caller holds all that the new key would, and ``Invalid`` for unknown scopes."""
    wanted = scopes.PRESETS[scopes.DEFAULT_PRESET][1] if new.scopes is None else new.scopes
    granting.require_within(caller, scopes.validated(wanted), "A key can grant only scopes that it holds itself.")


def get(unit: KeyTransaction, key_id: str) -> ApiKey:
    """The key. Raises ``NotFound``."""
    key = unit.keys.get(key_id) if is_id("key", key_id) else None
    if key is None:
        raise NotFound("There is no API key with this id.")
    return key


def even_deleted(unit: KeyTransaction, key_id: str) -> ApiKey:
    """The key, also after it was deleted. Raises ``NotFound``."""
    try:
        return get(unit, key_id)
    except NotFound:
        gone = unit.keys.tombstone(key_id) if is_id("key", key_id) else None
        if gone is None:
            raise
        return gone


def change(unit: KeyTransaction, caller: Caller, now_ms: int, key_id: str, wanted: KeyChange) -> ApiKey:
    """Rename, rescope, re-expire, disable or enable; one event for each that differs.

    Raises ``Invalid``, ``NotFound``, ``Forbidden``, ``Unconfirmed`` where the key would be able to do more, live longer
    or work again, or ``Conflict("key_inactive")`` for a revoked or expired key.
    """
    key = _touchable(unit, caller, key_id)
    if key.is_inactive(now_ms):
        raise Conflict("key_inactive", "A revoked or expired key cannot be changed or revived; create a new one.")
    changed = _changed(now_ms, key, wanted)
    granting.require_grant(unit, caller, now_ms, key, changed)
    happened = _differences(key, changed)
    if happened:
        unit.keys.save(changed)
    for name, detail in happened:
        _record(unit, caller, now_ms, name, changed, detail)
    return changed


def _changed(now_ms: int, key: ApiKey, wanted: KeyChange) -> ApiKey:
    """The key as it would be; raises ``Invalid``."""
    if wanted.name is not UNSET:
        key = replace(key, name=checked_name(wanted.name))
    if wanted.scopes is not UNSET:
        key = replace(key, scopes=scopes.validated(wanted.scopes))
    if wanted.expires_at_ms is not UNSET and wanted.expires_at_ms != key.expires_at_ms:
        if wanted.expires_at_ms is not None:
            checked_expiry(wanted.expires_at_ms, now_ms)
        key = replace(key, expires_at_ms=wanted.expires_at_ms)
    if wanted.disabled is not UNSET:
        key = replace(key, disabled=wanted.disabled)
    return key


def _differences(before: ApiKey, after: ApiKey) -> list[tuple[str, dict[str, Any]]]:
    """The event of each field that differs."""
    happened: list[tuple[str, dict[str, Any]]] = []
    if before.name != after.name:
        happened.append(("key_renamed", {"from": before.name, "to": after.name}))
    if before.scopes != after.scopes:
        widened = {} if scopes.all_held(before.scopes, after.scopes) else {"widened": True}
        happened.append(("key_scopes_changed", {"from": list(before.scopes), "to": list(after.scopes)} | widened))
    if before.expires_at_ms != after.expires_at_ms:
        ends = {"from": _time(before.expires_at_ms), "to": _time(after.expires_at_ms)}
        happened.append(("key_expiry_changed", ends))
    if before.disabled != after.disabled:
        happened.append(("key_disabled" if after.disabled else "key_enabled", {}))
    return happened


def revoke(
    unit: KeyTransaction, caller: Caller, now_ms: int, key_id: str, reason: str | None = None, with_made: bool = False
) -> ApiKey:
    """Kill the key for good; a repeat changes nothing and answers the same.

    ``with_made`` also revokes the living keys that this key created or let do more, and theirs in turn, in the same
    transaction. No key is created while it runs, so none of them is missed. It works on a deleted key too: what that
    key made may have revoked and deleted it.
    Raises ``Invalid``, ``NotFound``, ``Forbidden``.
    """
    why = checked_reason(reason)
    if with_made:
        unit.keys.stamp_expired(now_ms)  # what is passed over as expired stays so, wherever the clock is set
    key = even_deleted(unit, key_id) if with_made else get(unit, key_id)
    _require_not_wider(caller, key)
    made = living_made_by(unit, now_ms, key_id) if with_made else []
    for other in made:
        _require_not_wider(caller, other)
    for one in (key, *made):
        if one.revoked_at_ms is None and one.deleted_at_ms is None:
            dead = replace(one, revoked_at_ms=now_ms, revoked_by=caller.actor, revoke_reason=why)
            unit.keys.save(dead)
            because = {"made_by": key_id} if one is not key else {}
            _record(unit, caller, now_ms, "key_revoked", dead, ({"reason": why} if why else {}) | because)
    return even_deleted(unit, key_id)


def living_made_by(unit: KeyTransaction, now_ms: int, key_id: str) -> list[ApiKey]:
    """The keys that this key created or let do more, and theirs, which still work or could be enabled again."""
    return [key for key in granting.created_or_empowered_by(unit, key_id) if _is_living(key, now_ms)]


def _is_living(key: ApiKey, now_ms: int) -> bool:
    return key.deleted_at_ms is None and not key.is_inactive(now_ms)


def delete(unit: KeyTransaction, caller: Caller, now_ms: int, key_id: str) -> None:
    """Take an inactive key out of the table; its usage, its events and a tombstone stay.

    Raises ``NotFound``, ``Forbidden``, or ``Conflict("key_active")``.
    """
    key = _touchable(unit, caller, key_id)
    if not key.is_inactive(now_ms):
        raise Conflict("key_active", "Only a revoked or expired key can be deleted; revoke it first.")
    seen = key.expired_seen_at_ms or (now_ms if key.is_expired(now_ms) else None)
    unit.keys.save(replace(key, deleted_at_ms=now_ms, expired_seen_at_ms=seen))
    _record(unit, caller, now_ms, "key_deleted", key, {"name": key.name})


def expose(unit: KeyTransaction, caller: Caller, now_ms: int, key: ApiKey) -> None:
    """Write down that the key was seen in a URL, once a day: who holds a dead key may send it without end."""
    detail = {"hint": key.hint, "name": key.name}
    event = Event(new_id("evt", now_ms), now_ms, "key_exposed", caller.actor, key.id, caller.origin, detail)
    unit.events.append_bounded(event, most=1, within_ms=DAY_MS)


def _touchable(unit: KeyTransaction, caller: Caller, key_id: str) -> ApiKey:
    key = get(unit, key_id)
    _require_not_wider(caller, key)
    return key


def _require_not_wider(caller: Caller, key: ApiKey) -> None:
    granting.require_within(caller, key.scopes, "A key cannot touch a key that may do more than itself.")


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else to_rfc3339(at_ms)


def _record(unit: KeyTransaction, caller: Caller, now_ms: int, name: str, key: ApiKey, detail: dict[str, Any]) -> None:
    event_id = new_id("evt", now_ms)
    unit.events.append(Event(event_id, now_ms, name, caller.actor, key.id, caller.origin, {"hint": key.hint} | detail))


def key_names(unit: KeyTransaction, key_ids: Iterable[str]) -> dict[str, str | None]:
    """The names of these keys, deleted ones among them; ``None`` where there was never such a key."""
    found = {key_id: unit.keys.tombstone(key_id) for key_id in key_ids}
    return {key_id: None if key is None else key.name for key_id, key in found.items()}
