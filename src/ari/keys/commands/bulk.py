"""Revoke, delete or re-expire many keys in one transaction, with one event for each.

The list that keys were chosen from may be a minute old. Keys that no longer fit (deleted, revoked or expired since) are
skipped, while a key that the caller may not touch makes the whole command fail.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ari.base.errors import Forbidden, Invalid, NotFound, Problem
from ari.keys.commands.change import KeyChange, change
from ari.keys.commands.delete import delete
from ari.keys.commands.revoke import revoke
from ari.keys.expiry import check_expiry
from ari.keys.model import ApiKey
from ari.keys.names import parse_reason
from ari.keys.ports import KeyTransaction
from ari.keys.queries import get

MAX_KEYS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen keys that fit a command, and those that do not."""

    fitting: list[ApiKey]
    others: list[ApiKey]


def select_revocable(tx: KeyTransaction, key_ids: Iterable[str]) -> Selection:
    """Those of these keys that are neither revoked nor expired fit."""
    return _select(tx, key_ids, lambda key: not key.is_inactive(tx.now_ms))


def select_deletable(tx: KeyTransaction, key_ids: Iterable[str]) -> Selection:
    """Those of these keys that are revoked or expired fit."""
    return _select(tx, key_ids, lambda key: key.is_inactive(tx.now_ms))


def revoke_many(tx: KeyTransaction, key_ids: Sequence[str], reason: str | None = None) -> list[ApiKey]:
    """Revoke these keys; returns those that it revoked. Raises ``Invalid``, ``Forbidden``."""
    why = parse_reason(reason)
    tx.keys.stamp_expired(tx.now_ms)  # keys skipped as expired stay expired, even if the clock is set back
    chosen = select_revocable(tx, _require_few(key_ids)).fitting
    revoked = []
    for key in chosen:
        with name_key(key):
            revoked.append(revoke(tx, key.id, why))
    return revoked


def delete_many(tx: KeyTransaction, key_ids: Sequence[str]) -> list[ApiKey]:
    """Delete the inactive keys among these; returns those that it deleted. Raises ``Invalid``, ``Forbidden``."""
    chosen = select_deletable(tx, _require_few(key_ids)).fitting
    for key in chosen:
        with name_key(key):
            delete(tx, key.id)
    return chosen


def change_expiry_of_many(tx: KeyTransaction, key_ids: Sequence[str], expires_at_ms: int | None) -> list[ApiKey]:
    """Give these keys the same expiry; returns those that it changed. Raises ``Invalid``, ``Forbidden``."""
    if expires_at_ms is not None:
        check_expiry(expires_at_ms, tx.now_ms)
    chosen = select_revocable(tx, _require_few(key_ids)).fitting
    wanted = KeyChange(expires_at_ms=expires_at_ms)
    changed = []
    for key in chosen:
        with name_key(key):
            changed.append(change(tx, key.id, wanted))
    return changed


@contextmanager
def name_key(key: ApiKey) -> Iterator[None]:
    """Say in ``Invalid`` and ``Forbidden`` which of many keys stops the command."""
    place = f"“{key.name}” ({key.id}): "
    try:
        yield
    except Forbidden as error:
        raise Forbidden(f"{place}{error}", error.scope) from None
    except Invalid as error:
        raise Invalid(*(Problem(one.location, place + one.message) for one in error.problems)) from None


def _require_few(key_ids: Sequence[str]) -> Sequence[str]:
    if len(key_ids) > MAX_KEYS_AT_ONCE:
        raise Invalid(Problem("keys", f"Choose at most {MAX_KEYS_AT_ONCE} keys at once."))
    return key_ids


def _select(tx: KeyTransaction, key_ids: Iterable[str], fits: Callable[[ApiKey], bool]) -> Selection:
    """In the order of the ids, in which every such command locks the keys."""
    found = Selection([], [])
    for key_id in sorted(set(key_ids)):
        try:
            key = get(tx, key_id)
        except NotFound:
            continue
        (found.fitting if fits(key) else found.others).append(key)
    return found
