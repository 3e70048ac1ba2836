"""Which provider keys rest after a 429, as this process knows it. Other processes have their own record."""

from cachetools import LRUCache

from ari.base.clock import Clock
from ari.integrations.model import ProviderKey

_MAX_RESTS = 10_000
KeyRests = LRUCache[tuple[str, int], tuple[float, int]]
"""By ID and time of adding: until when a key rests, in monotonic seconds, and how many 429 it got in a row."""


def make_key_rests() -> KeyRests:
    """An empty record."""
    return LRUCache(_MAX_RESTS)


def find_rest_end(rests: KeyRests, clock: Clock, key: ProviderKey) -> int | None:
    """When the rest of the key ends, in ms; ``None`` unless it rests now."""
    until, _ = rests.get((key.id, key.added_at_ms), (0.0, 0))
    monotonic = clock.monotonic()
    return clock.now_ms() + round((until - monotonic) * 1000) if until > monotonic else None
