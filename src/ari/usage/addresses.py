"""Whether a key is used from a place that it was not used from before."""

from collections.abc import Sequence

from ari.base.clock import DAY_MS
from ari.usage.model import OTHERS, Seen

NEW_FOR_MS = 7 * DAY_MS
_SETTLED_MS = DAY_MS
"""A key that is just being put to use has only new addresses."""


def new_ones(seen: Sequence[Seen], first_used_at_ms: int | None, now_ms: int) -> list[Seen]:
    """The addresses first seen in the last week and a day or more after the key was first used, the newest first."""
    if first_used_at_ms is None:
        return []
    new = [
        one
        for one in seen
        if one.value != OTHERS
        and one.first_seen_at_ms > now_ms - NEW_FOR_MS
        and one.first_seen_at_ms >= first_used_at_ms + _SETTLED_MS
    ]
    return sorted(new, key=lambda one: -one.first_seen_at_ms)
