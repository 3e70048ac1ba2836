"""The commands of ``ari.keys`` with caller and time passed along by hand, for doors that do not use ``Deps`` yet."""

from ari.base.caller import Caller
from ari.base.transaction import at
from ari.keys.commands import change as _change
from ari.keys.commands import create as _create
from ari.keys.commands import delete as _delete
from ari.keys.commands import revoke as _revoke
from ari.keys.commands.change import UNSET, KeyChange
from ari.keys.commands.create import Created, NewKey, require_may_create
from ari.keys.model import ApiKey
from ari.keys.ports import KeyTransaction
from ari.keys.queries import get, get_active_made_by
from ari.keys.queries import get_even_deleted as even_deleted
from ari.keys.queries import get_names as key_names
from ari.keys.trail import record_exposure

__all__ = [
    "UNSET",
    "Created",
    "KeyChange",
    "NewKey",
    "change",
    "create",
    "delete",
    "even_deleted",
    "expose",
    "get",
    "key_names",
    "living_made_by",
    "require_may_create",
    "revoke",
]


def create(unit: KeyTransaction, caller: Caller, now_ms: int, new: NewKey) -> Created:
    return _create.create(at(unit, caller, now_ms), new)


def change(unit: KeyTransaction, caller: Caller, now_ms: int, key_id: str, wanted: KeyChange) -> ApiKey:
    return _change.change(at(unit, caller, now_ms), key_id, wanted)


def revoke(
    unit: KeyTransaction, caller: Caller, now_ms: int, key_id: str, reason: str | None = None, with_made: bool = False
) -> ApiKey:
    return _revoke.revoke(at(unit, caller, now_ms), key_id, reason, with_made)


def living_made_by(unit: KeyTransaction, now_ms: int, key_id: str) -> list[ApiKey]:
    return get_active_made_by(at(unit, unit.caller, now_ms), key_id)


def delete(unit: KeyTransaction, caller: Caller, now_ms: int, key_id: str) -> None:
    _delete.delete(at(unit, caller, now_ms), key_id)


def expose(unit: KeyTransaction, caller: Caller, now_ms: int, key: ApiKey) -> None:
    record_exposure(at(unit, caller, now_ms), key)
