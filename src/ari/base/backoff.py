"""Pauses between attempts to deliver something, such as an email or a webhook."""

import random
from collections.abc import Callable

from ari.base.clock import HOUR_MS, SECOND_MS

FIRST_PAUSE_MS = 30 * SECOND_MS
MAX_PAUSE_MS = HOUR_MS


def pause_ms(attempts: int, chance: Callable[[], float] = random.random) -> int:
    """The pause after this many attempts: doubled each time up to an hour, with 20 % jitter."""
    doubled = min(FIRST_PAUSE_MS << min(attempts - 1, 16), MAX_PAUSE_MS)
    return round(doubled * (0.8 + 0.4 * chance()))
