"""The same thing done to many keys at once: one transaction, one event each.

A list that somebody chose from may be a minute old. So what no longer fits (a key deleted, revoked or expired since) is
left alone, while a key that the caller may not touch refuses the whole.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ari.base.caller import Caller
from ari.base.errors import Invalid, NotFound, Problem
from ari.keys import manage
from ari.keys.expiry import checked_expiry
from ari.keys.manage import KeyChange
from ari.keys.model import ApiKey
from ari.keys.names import checked_reason
from ari.keys.ports import KeyTransaction

MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Selection:
    """The keys that fit a command, and those that do not."""

    fitting: list[ApiKey]
    others: list[ApiKey]


def revocable(unit: KeyTransaction, now_ms: int, key_ids: Iterable[str]) -> Selection:
    """Those of these keys that are neither revoked nor expired."""
    return _sorted(unit, key_ids, lambda key: not key.is_inactive(now_ms))


def deletable(unit: KeyTransaction, now_ms: int, key_ids: Iterable[str]) -> Selection:
    """Those of these keys that are revoked or expired."""
    return _sorted(unit, key_ids, lambda key: key.is_inactive(now_ms))


def revoke(
    unit: KeyTransaction, caller: Caller, now_ms: int, key_ids: Sequence[str], reason: str | None = None
) -> list[ApiKey]:
    """Kill these keys for good; gives those that it killed. Raises ``Invalid``, ``Forbidden``."""
    why = checked_reason(reason)
    unit.keys.stamp_expired(now_ms)  # what is passed over as expired stays so, wherever the clock is set
    chosen = revocable(unit, now_ms, _few_enough(key_ids)).fitting
    return [manage.revoke(unit, caller, now_ms, key.id, why) for key in chosen]


def delete(unit: KeyTransaction, caller: Caller, now_ms: int, key_ids: Sequence[str]) -> list[ApiKey]:
    """Take the inactive ones of these keys out of the table; gives those that it took. Raises ``Invalid``,
    ``Forbidden``."""
    chosen = deletable(unit, now_ms, _few_enough(key_ids)).fitting
    for key in chosen:
        manage.delete(unit, caller, now_ms, key.id)
    return chosen


def expire(
    unit: KeyTransaction, caller: Caller, now_ms: int, key_ids: Sequence[str], expires_at_ms: int | None
) -> list[ApiKey]:
    """Give these keys the same end; gives those that it could. Raises ``Invalid``, ``Forbidden``."""
    if expires_at_ms is not None:
        checked_expiry(expires_at_ms, now_ms)
    chosen = revocable(unit, now_ms, _few_enough(key_ids)).fitting
    wanted = KeyChange(expires_at_ms=expires_at_ms)
    return [manage.change(unit, caller, now_ms, key.id, wanted) for key in chosen]


def _few_enough(key_ids: Sequence[str]) -> Sequence[str]:
    if len(key_ids) > MOST_AT_ONCE:
        raise Invalid(Problem("keys", f"Choose at most {MOST_AT_ONCE} keys at once."))
    return key_ids


def _sorted(unit: KeyTransaction, key_ids: Iterable[str], fits: Callable[[ApiKey], bool]) -> Selection:
    """In the order of their ids, in which every such command locks them."""
    found = Selection([], [])
    for key_id in sorted(set(key_ids)):
        try:
            key = manage.get(unit, key_id)
        except NotFound:
            continue
        (found.fitting if fits(key) else found.others).append(key)
    return found
