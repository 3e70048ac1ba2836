"""The memory that large request bodies may use in one process."""

MAX_HELD_BYTES = 64 * 1024 * 1024
"""Memory for large bodies in one process, all requests together."""


class BodyBudget:
    """Counts the memory that large bodies use."""

    def __init__(self, max_bytes: int = MAX_HELD_BYTES) -> None:
        self._free = max_bytes

    def take(self, size: int) -> bool:
        """Reserve ``size`` bytes. ``False`` if the budget does not allow it."""
        if size > self._free:
            return False
        self._free -= size
        return True

    def release(self, size: int) -> None:
        """Release bytes that were reserved."""
        self._free += size
