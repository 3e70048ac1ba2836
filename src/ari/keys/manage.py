"""What can be done to a key. Each command is one transaction of the unit it is given and writes one event.

The rules of who may do what to which key (security.md 11) are here, so every door has them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from ari.base.caller import Caller
from ari.base.clock import to_rfc3339
from ari.base.errors import Conflict, Forbidden, NotFound
from ari.base.events import Event
from ari.base.ids import is_id, new_id
from ari.keys import scopes, token
from ari.keys.expiry import checked_expiry, expiry_of
from ari.keys.model import ApiKey
from ari.keys.names import checked_name, checked_reason, folded
from ari.keys.ports import KeyUnit


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


def create(unit: KeyUnit, caller: Caller, now_ms: int, new: NewKey) -> Created:
    """Make a key.

    Raises ``Invalid``, ``Unconfirmed``, or ``Forbidden`` if the caller would grant more than it holds.
    """
    name = checked_name(new.name)
    granted = _grantable(caller, new.scopes)
    expires_at_ms = expiry_of(new.expires, new.expires_at_ms, now_ms)
    _not_longer_than_caller(caller, expires_at_ms)
    caller.require_confirmed(now_ms)
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
    same_name = unit.keys.count_named(folded(name), now_ms)
    look_alikes = unit.keys.count_look_alikes(name, now_ms)
    unit.keys.add(key, token.digest(secret.encode()), token.HASH_VERSION)
    detail = {"name": name, "scopes": list(granted), "expires_at": _time(expires_at_ms)}
    _record(unit, caller, now_ms, "key_created", key, detail | ({"form": new.form_id} if new.form_id else {}))
    return Created(key, secret, same_name, look_alikes)


def get(unit: KeyUnit, key_id: str) -> ApiKey:
    """The key. Raises ``NotFound``."""
    key = unit.keys.get(key_id) if is_id("key", key_id) else None
    if key is None:
        raise NotFound("There is no API key with this id.")
    return key


def change(unit: KeyUnit, caller: Caller, now_ms: int, key_id: str, wanted: KeyChange) -> ApiKey:
    """Rename, rescope, re-expire, disable or enable; one event for each that differs.

    Raises ``Invalid``, ``NotFound``, ``Forbidden``, ``Unconfirmed`` where the key would be able to do more or live
    longer, or ``Conflict("key_inactive")`` for a revoked or expired key.
    """
    key = _touchable(unit, caller, key_id)
    if key.is_inactive(now_ms):
        raise Conflict("key_inactive", "A revoked or expired key cannot be changed or revived; create a new one.")
    changed, happened = _changed(caller, now_ms, key, wanted)
    if _is_wider(key, changed):
        caller.require_confirmed(now_ms)
    if happened:
        unit.keys.save(changed)
    for name, detail in happened:
        _record(unit, caller, now_ms, name, changed, detail)
    return changed


def _changed(
    caller: Caller, now_ms: int, key: ApiKey, wanted: KeyChange
) -> tuple[ApiKey, list[tuple[str, dict[str, Any]]]]:
    happened: list[tuple[str, dict[str, Any]]] = []
    if wanted.name is not UNSET and (name := checked_name(wanted.name)) != key.name:
        happened.append(("key_renamed", {"from": key.name, "to": name}))
        key = replace(key, name=name)
    if wanted.scopes is not UNSET and (new_scopes := scopes.validated(wanted.scopes)) != key.scopes:
        _not_wider(caller, key, new_scopes)
        widened = {} if _within(new_scopes, key.scopes) else {"widened": True}
        happened.append(("key_scopes_changed", {"from": list(key.scopes), "to": list(new_scopes)} | widened))
        key = replace(key, scopes=new_scopes)
    if wanted.expires_at_ms is not UNSET and wanted.expires_at_ms != key.expires_at_ms:
        expires_at_ms = wanted.expires_at_ms
        if expires_at_ms is not None:
            checked_expiry(expires_at_ms, now_ms)
        _not_extending_itself(caller, key, expires_at_ms)
        happened.append(("key_expiry_changed", {"from": _time(key.expires_at_ms), "to": _time(expires_at_ms)}))
        key = replace(key, expires_at_ms=expires_at_ms)
    if wanted.disabled is not UNSET and wanted.disabled != key.disabled:
        happened.append(("key_disabled" if wanted.disabled else "key_enabled", {}))
        key = replace(key, disabled=wanted.disabled)
    return key, happened


def revoke(
    unit: KeyUnit, caller: Caller, now_ms: int, key_id: str, reason: str | None = None, with_made: bool = False
) -> ApiKey:
    """Kill the key for good; a repeat changes nothing and answers the same.

    ``with_made`` also revokes the living keys that this key made, in the same transaction.
    Raises ``Invalid``, ``NotFound``, ``Forbidden``.
    """
    why = checked_reason(reason)
    key = _touchable(unit, caller, key_id)
    made = living_made_by(unit, now_ms, key_id) if with_made else []
    for other in made:
        _not_wider_than_caller(caller, other)
    for one in (key, *made):
        if one.revoked_at_ms is None:
            dead = replace(one, revoked_at_ms=now_ms, revoked_by=caller.actor, revoke_reason=why)
            unit.keys.save(dead)
            because = {"made_by": key_id} if one is not key else {}
            _record(unit, caller, now_ms, "key_revoked", dead, ({"reason": why} if why else {}) | because)
    return get(unit, key_id)


def living_made_by(unit: KeyUnit, now_ms: int, key_id: str) -> list[ApiKey]:
    """The keys made by this key that still work or could be enabled again, and the keys that those made."""
    living: list[ApiKey] = []
    makers = [key_id]
    while makers:
        for made in unit.keys.made_by(makers.pop()):
            makers.append(made.id)
            if not made.is_inactive(now_ms):
                living.append(made)
    return living


def delete(unit: KeyUnit, caller: Caller, now_ms: int, key_id: str) -> None:
    """Take an inactive key out of the table; its usage, its events and a tombstone stay.

    Raises ``NotFound``, ``Forbidden``, or ``Conflict("key_active")``.
    """
    key = _touchable(unit, caller, key_id)
    if not key.is_inactive(now_ms):
        raise Conflict("key_active", "Only a revoked or expired key can be deleted; revoke it first.")
    seen = key.expired_seen_at_ms or (now_ms if key.is_expired(now_ms) else None)
    unit.keys.save(replace(key, deleted_at_ms=now_ms, expired_seen_at_ms=seen))
    _record(unit, caller, now_ms, "key_deleted", key, {"name": key.name})


def expose(unit: KeyUnit, caller: Caller, now_ms: int, key: ApiKey) -> None:
    """Write down that the key was seen in a URL."""
    _record(unit, caller, now_ms, "key_exposed", key, {"name": key.name})


def _touchable(unit: KeyUnit, caller: Caller, key_id: str) -> ApiKey:
    key = get(unit, key_id)
    _not_wider_than_caller(caller, key)
    return key


def _not_wider_than_caller(caller: Caller, key: ApiKey) -> None:
    for scope in key.scopes:
        if not scopes.holds(caller.scopes, scope):
            raise Forbidden("A key cannot touch a key that may do more than itself.", scope)


def _grantable(caller: Caller, wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    granted = scopes.validated(scopes.PRESETS[scopes.DEFAULT_PRESET][1] if wanted is None else wanted)
    for scope in granted:
        if not scopes.holds(caller.scopes, scope):
            raise Forbidden("A key can grant only scopes that it holds itself.", scope)
    return granted


def _not_wider(caller: Caller, key: ApiKey, wanted: tuple[str, ...]) -> None:
    _grantable(caller, wanted)
    if caller.key_id == key.id and not _within(wanted, key.scopes):
        raise Forbidden("A key cannot widen itself.")


def _is_wider(key: ApiKey, changed: ApiKey) -> bool:
    """Whether the change lets the key do more, or live longer."""
    return _lives_longer(key, changed.expires_at_ms) or not _within(changed.scopes, key.scopes)


def _within(wanted: tuple[str, ...], held: tuple[str, ...]) -> bool:
    return all(scopes.holds(held, scope) for scope in wanted)


def _lives_longer(key: ApiKey, expires_at_ms: int | None) -> bool:
    return key.expires_at_ms is not None and (expires_at_ms is None or expires_at_ms > key.expires_at_ms)


def _not_longer_than_caller(caller: Caller, expires_at_ms: int | None) -> None:
    limit = caller.expires_at_ms
    if limit is not None and (expires_at_ms is None or expires_at_ms > limit):
        raise Forbidden(f"A key cannot grant a life longer than its own, which ends at {to_rfc3339(limit)}.")


def _not_extending_itself(caller: Caller, key: ApiKey, expires_at_ms: int | None) -> None:
    _not_longer_than_caller(caller, expires_at_ms)
    if caller.key_id == key.id and _lives_longer(key, expires_at_ms):
        raise Forbidden("A key cannot extend itself.")


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else to_rfc3339(at_ms)


def _record(unit: KeyUnit, caller: Caller, now_ms: int, name: str, key: ApiKey, detail: dict[str, Any]) -> None:
    event_id = new_id("evt", now_ms)
    unit.events.append(Event(event_id, now_ms, name, caller.actor, key.id, caller.origin, {"hint": key.hint} | detail))


def key_names(unit: KeyUnit, key_ids: Iterable[str]) -> dict[str, str | None]:
    """The names of these keys, deleted ones among them; ``None`` where there was never such a key."""
    found = {key_id: unit.keys.tombstone(key_id) for key_id in key_ids}
    return {key_id: None if key is None else key.name for key_id, key in found.items()}
