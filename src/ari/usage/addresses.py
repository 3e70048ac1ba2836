"""Finds addresses that a key was not used from before, and those to which a key could be bound."""

from collections.abc import Sequence

from ari.base.clock import DAY_MS
from ari.base.errors import Invalid
from ari.keys.policy import MAX_ADDRESSES, parse_addresses
from ari.usage.model import OTHERS, KeyClient

NEW_FOR_MS = 7 * DAY_MS
SUGGESTED_FOR_MS = 30 * DAY_MS
SEEN_READ = 200
"""Addresses of a key that are read at once."""
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


def suggest_addresses(seen: Sequence[KeyClient], now_ms: int) -> list[str]:
    """The addresses of allowed requests in the last 30 days, last seen first, as many as a key can be bound to.

    Addresses of refused requests only are left out: anyone can cause those.
    """
    found: dict[str, None] = {}
    for one in seen:
        if one.accepted_count and one.last_seen_at_ms > now_ms - SUGGESTED_FOR_MS:
            found |= dict.fromkeys(_parse_address(one.value))
    return list(found)[:MAX_ADDRESSES]


def _parse_address(text: str) -> tuple[str, ...]:
    """None for the name of all others together, or an unknown address."""
    try:
        return parse_addresses((text,))
    except Invalid:
        return ()
