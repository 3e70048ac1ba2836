"""Newcomers: networks without a recent attempt, which may sign in while the account's delay is active.

An account's delay allows one attempt at a time for everybody, so a stranger who keeps trying would use them all.
A newcomer isn't delayed. Networks as wide as one customer's are counted, and these within wider ones, since nobody has
many of those. This allows at most 1,024 additional attempts an hour per account.
"""

from collections.abc import Sequence

from ari.accounts.networks import PLACE_BITS, WIDTH_BITS, AddressNetworks
from ari.base.clock import HOUR_MS

WINDOW_MS = HOUR_MS
TRIES = 2
"""Of one customer's network within the hour."""
NEWCOMERS = 512
"""Within the hour, from everywhere."""
_NEWCOMERS_WITHIN = (48, 96, 192)
"""Of them in one network of the widths of a place but the narrowest: IPv4 /24, /16 and /8, IPv6 /40, /32 and /24."""
_PLACE, _WIDTH = (1 << PLACE_BITS) - 1, (1 << WIDTH_BITS) - 1


def may_try(place: AddressNetworks, before: Sequence[int]) -> bool:
    """Whether an attempt from here is let in, after those ``before`` within the hour (``entry_of``)."""
    places = [entry & _PLACE for entry in before]
    tries = sum(_is_near(place.number, one, 0) for one in places)
    if tries:
        return tries < TRIES
    came = set(places)
    return len(came) < NEWCOMERS and all(
        sum(_is_near(place.number, one, width) for one in came) < most
        for width, most in enumerate(_NEWCOMERS_WITHIN, start=1)
    )


def _is_near(one: int, other: int, width: int) -> bool:
    return not (one ^ other) >> WIDTH_BITS * width & _WIDTH


def entry_of(place: AddressNetworks, at_ms: int) -> int:
    """How an attempt is stored: its instant, and behind it the place."""
    return at_ms << PLACE_BITS | place.number


def instant_of(entry: int) -> int:
    """When a stored attempt was made; also of one that is an instant and nothing more."""
    return entry >> PLACE_BITS or entry
