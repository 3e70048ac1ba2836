"""Finds addresses that a key was not used from before."""

from collections.abc import Sequence

from ari.base.clock import DAY_MS
from ari.usage.model import OTHERS, KeyClient

NEW_FOR_MS = 7 * DAY_MS
_SETUP_MS = DAY_MS
"""Right after its first use, every address of a key is new."""


def new_addresses(seen: Sequence[KeyClient], first_used_at_ms: int | None, now_ms: int) -> list[KeyClient]:
    """Addresses first seen in the last week, at least a day after the key's first use, newest first."""
    if first_used_at_ms is None:
        return []
    new = [
        one
        for one in seen
        if one.value != OTHERS
        and one.first_seen_at_ms > now_ms - NEW_FOR_MS
        and one.first_seen_at_ms >= first_used_at_ms + _SETUP_MS
    ]
    return sorted(new, key=lambda one: -one.first_seen_at_ms)
