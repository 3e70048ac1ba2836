"""At most one of something for each name in a period, in bounded memory."""

from collections.abc import Callable, Hashable

from cachetools import TTLCache


class Throttle:
    """``period`` is in the unit of ``timer``. Of more than ``max_names`` names the oldest is allowed again earlier."""

    def __init__(self, period: float, timer: Callable[[], float], max_names: int) -> None:
        self._recent: TTLCache[Hashable, None] = TTLCache(max_names, period, timer)

    def allows(self, name: Hashable) -> bool:
        """Whether none with this name was allowed within the period; if so, this one counts as allowed."""
        if name in self._recent:
            return False
        self._recent[name] = None
        return True

    def forget(self, name: Hashable) -> None:
        """Allow the next one with this name."""
        self._recent.pop(name, None)
