"""A sliding window of 60 slots, counted conservatively.

The current slot and the 60 before it cover every window that ends now, so no window ever holds more than the limit.
They cover at most one slot more than the window: a request is refused only if that span already holds the limit.
"""

import msgspec

SLOTS = 60


class Window(msgspec.Struct):
    """The units used, by slot: slot ``i`` holds the times with ``at_ms * 60 // window_ms == i``.

    Times that are given may not be earlier than any before. So slots are in order, oldest first.
    """

    window_ms: int
    epoch: int = 0
    used: int = 0
    slots: dict[int, int] = {}

    def advance(self, at_ms: int) -> None:
        """Forget the slots that no longer count at this time."""
        first = self._slot(at_ms) - SLOTS
        while self.slots and (oldest := next(iter(self.slots))) < first:
            self.used -= self.slots.pop(oldest)

    def add(self, units: int, at_ms: int) -> None:
        """Count units that were consumed at this time."""
        if units:
            slot = self._slot(at_ms)
            self.slots[slot] = self.slots.get(slot, 0) + units
            self.used += units

    def adjust(self, units: int, added_at_ms: int, at_ms: int) -> None:
        """Add units to those that were counted at an earlier time, or take them away. What no longer counts is left."""
        first = self._slot(added_at_ms)
        if units > 0 and first >= self._slot(at_ms) - SLOTS:
            slot = next((slot for slot in self.slots if slot >= first), self._slot(at_ms))
            self.slots[slot] = self.slots.get(slot, 0) + units
            self.used += units
        elif units < 0:
            self._take_away(-units, first)

    def _take_away(self, units: int, first: int) -> None:
        """From the slot, or from the next ones that have units: a window that was resized may have moved them."""
        for slot in [slot for slot in self.slots if slot >= first]:
            taken = min(units, self.slots[slot])
            units -= taken
            self.used -= taken
            self.slots[slot] -= taken
            if not self.slots[slot]:
                del self.slots[slot]
            if not units:
                return

    def find_fit(self, units: int, limit: int) -> int | None:
        """When so many units fit under the limit: 0 if they do now, ``None`` if they never do."""
        used = self.used
        if used + units <= limit:
            return 0
        for slot, some in self.slots.items():
            used -= some
            if used + units <= limit:
                return self._begin(slot + SLOTS + 1)
        return None

    def frees_at(self) -> int | None:
        """When the oldest units stop counting; ``None`` if there are none."""
        return self._begin(next(iter(self.slots)) + SLOTS + 1) if self.slots else None

    def resize(self, window_ms: int, at_ms: int) -> None:
        """Change the length. Each slot moves to the new slot of its last millisecond, so that no unit ends earlier."""
        old = [(self._begin(slot + 1) - 1, some) for slot, some in self.slots.items()]
        self.window_ms, self.used, self.slots = window_ms, 0, {}
        for last_ms, some in old:
            self.add(some, min(last_ms, at_ms))

    def _slot(self, at_ms: int) -> int:
        return at_ms * SLOTS // self.window_ms

    def _begin(self, slot: int) -> int:
        """The first millisecond of a slot."""
        return -(-slot * self.window_ms // SLOTS)
