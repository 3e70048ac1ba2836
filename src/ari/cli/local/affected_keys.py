"""All keys of a consumer or kind, or with a tag: exactly those that were listed and confirmed are changed."""

from collections.abc import Sequence
from dataclasses import replace

from ari import keys
from ari.base.errors import Conflict
from ari.cli.matched_by import MatchedBy
from ari.keys import MAX_KEYS_AT_ONCE, AffectedKeys, BulkChange, Confirmed
from ari.keys.commands.bulk_by_filter import LeftOut
from ari.keys.listing import KeyListTransaction
from ari.keys.model import ApiKey


def list_affected(tx: KeyListTransaction, by: MatchedBy, wanted: BulkChange) -> tuple[list[ApiKey], list[LeftOut]]:
    """All keys that the change fits, and those that it doesn't, newest first."""
    where, found = keys.make_filter(tx, **by._asdict()), AffectedKeys([], 1)
    listed: list[ApiKey] = []
    left_out: list[LeftOut] = []
    while found.remaining:
        found = keys.list_affected(tx, where, wanted)
        listed += found.keys
        left_out = left_out or list(found.left_out)
        where = replace(where, before_id=listed[-1].id if listed else None)
    return listed, left_out


def change_next(
    tx: KeyListTransaction,
    by: MatchedBy,
    wanted: BulkChange,
    listed: Sequence[str],
    done: int,
) -> list[ApiKey]:
    """Change the next of the listed keys, the newest first; the first step checks that they are all as listed."""
    if not done and [key.id for key in list_affected(tx, by, wanted)[0]] != list(listed):
        raise Conflict("keys_changed", "The matching keys changed.")
    where = keys.make_filter(tx, **by._asdict())
    confirmed = Confirmed(frozenset(listed[done : done + MAX_KEYS_AT_ONCE]), wanted)
    where = replace(where, before_id=listed[done - 1] if done else None)
    return keys.change_matching(tx, where, wanted, confirmed).keys
