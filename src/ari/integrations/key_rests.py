"""Which provider keys rest after a 429, and for which models. Each process has its own record."""

from typing import NamedTuple

from cachetools import LRUCache

from ari.base.clock import Clock
from ari.integrations.model import ProviderKey

_MAX_KEYS = 10_000
_MAX_MODELS = 100
_MAX_NAME_LENGTH = 200
ALL_MODELS = ""
"""The name under which a key rests for every request, after a 429 to one whose model isn't known."""


class Rest(NamedTuple):
    """``until`` and ``since`` in monotonic seconds, and how many 429 came ``in_a_row``."""

    until: float
    since: float
    in_a_row: int


class KeyRests:
    """The rests of all keys, by ID and time of adding: a replaced key has limits of its own."""

    def __init__(self) -> None:
        self._by_key: LRUCache[tuple[str, int], LRUCache[str, Rest]] = LRUCache(_MAX_KEYS)

    def find(self, key: ProviderKey, model: str) -> Rest | None:
        """The last rest of the key for this model, also one that has ended."""
        rests = self._by_key.get((key.id, key.added_at_ms))
        return None if rests is None else rests.get(model[:_MAX_NAME_LENGTH])

    def put(self, key: ProviderKey, model: str, rest: Rest) -> None:
        """Let the key rest for this model."""
        name = key.id, key.added_at_ms
        rests = self._by_key.get(name)
        if rests is None:
            rests = self._by_key[name] = LRUCache(_MAX_MODELS)
        rests[model[:_MAX_NAME_LENGTH]] = rest

    def end(self, key: ProviderKey, model: str, began: float) -> None:
        """Forget rests that began before ``began``, when a call of this model began that was served."""
        rests = self._by_key.get((key.id, key.added_at_ms))
        if rests is None:
            return
        for name in {model[:_MAX_NAME_LENGTH], ALL_MODELS}:
            found = rests.get(name)
            if found is not None and found.since < began:
                del rests[name]

    def list_active(self, key: ProviderKey, monotonic: float) -> dict[str, float]:
        """Until when the key rests now, by model."""
        rests = self._by_key.get((key.id, key.added_at_ms))
        return {name: one.until for name, one in (rests or {}).items() if one.until > monotonic}


class KeyRest(NamedTuple):
    """``until_ms`` is the end of the longest rest; ``models`` are those that it concerns, none if it is all of them."""

    until_ms: int
    models: tuple[str, ...] = ()


def find_rest(rests: KeyRests, clock: Clock, key: ProviderKey) -> KeyRest | None:
    """The rest of the key, for people; ``None`` unless it rests now."""
    monotonic = clock.monotonic()
    found = rests.list_active(key, monotonic)
    if not found:
        return None
    until = found.get(ALL_MODELS, max(found.values()))
    models = () if ALL_MODELS in found else tuple(sorted(found))
    return KeyRest(clock.now_ms() + round((until - monotonic) * 1000), models)
