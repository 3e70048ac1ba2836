"""Live tails: each is held by a lease that its page renews; a session has at most ten (security.md 33).

A lease is named by the instant at which it ends, so that a list of instants is all there is to keep.
"""

from collections.abc import Sequence

from ari.base.clock import SECOND_MS

MOST_TAILS = 10
LEASE_MS = 60 * SECOND_MS


def lease(held: Sequence[int], renewed: int | None, now_ms: int) -> tuple[tuple[int, ...], int | None]:
    """The leases after one more was asked for (``renewed`` is the one that it replaces), and it; ``None``: too many."""
    others = [end for end in held if end > now_ms and end != renewed]
    if len(others) >= MOST_TAILS:
        return tuple(others), None
    mine = now_ms + LEASE_MS
    while mine in others:
        mine += 1
    return (*others, mine), mine


def given_back(held: Sequence[int], ended: int, now_ms: int) -> tuple[int, ...]:
    """The leases without this one."""
    return tuple(end for end in held if end > now_ms and end != ended)


def holds(held: Sequence[int], mine: int, now_ms: int) -> bool:
    """Whether the lease is still good."""
    return mine in held and mine > now_ms
