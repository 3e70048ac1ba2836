"""Leases of live tails: each page renews its own; a session has at most ten (security.md 33).

A lease is identified by the time at which it ends, so a list of times is all the state there is.
"""

from collections.abc import Sequence

from ari.base.clock import SECOND_MS

MAX_TAILS = 10
LEASE_MS = 60 * SECOND_MS


def take_lease(held: Sequence[int], renewed: int | None, now_ms: int) -> tuple[tuple[int, ...], int | None]:
    """The leases with a new one, which replaces ``renewed``, and the new one; ``None`` if there are too many."""
    others = [end for end in held if end > now_ms and end != renewed]
    if len(others) >= MAX_TAILS:
        return tuple(others), None
    mine = now_ms + LEASE_MS
    while mine in others:
        mine += 1
    return (*others, mine), mine


def end_lease(held: Sequence[int], ended: int, now_ms: int) -> tuple[int, ...]:
    """The leases without ``ended``."""
    return tuple(end for end in held if end > now_ms and end != ended)


def is_held(held: Sequence[int], mine: int, now_ms: int) -> bool:
    """Whether the lease has not ended."""
    return mine in held and mine > now_ms
