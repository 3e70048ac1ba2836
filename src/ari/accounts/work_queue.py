"""A fair queue for slow work that strangers may request: few run at once, few wait, each network gets a fair share.

Visitors that an account knows go first and have their own queue. When the strangers' queue is full, the network with
the most places loses one to a network with fewer, at whatever width they differ. So a client with many addresses
delays only the clients that share its networks.
"""

import asyncio
import threading
from collections import Counter
from concurrent.futures import Future
from time import perf_counter

from ari.accounts.networks import AddressNetworks
from ari.base.errors import Unavailable
from ari.base.served_request import note_wait

CROWDED = "Too many requests are waiting. Try again in a moment."


class WorkQueue:
    """``at_once`` have a turn; ``places`` strangers wait, and as many visitors who are known."""

    def __init__(self, at_once: int, places: int, crowded: str = CROWDED) -> None:
        self._at_once = at_once
        self._places = places
        self._crowded = crowded
        self._lock = threading.Lock()
        self._running = 0
        self._known: list[_Waiting] = []
        self._strangers: list[_Waiting] = []

    @property
    def under_way(self) -> int:
        """How many have a turn or wait for one."""
        with self._lock:
            return self._running + len(self._known) + len(self._strangers)

    def has_room(self, stranger: AddressNetworks) -> bool:
        """Whether a stranger from here would get a turn or a place now."""
        with self._lock:
            full = self._running >= self._at_once and len(self._strangers) >= self._places
            return not full or _who_yields(self._strangers, stranger) is not None

    async def take(self, stranger: AddressNetworks | None) -> None:
        """Wait for a turn, which ``give_back`` ends; ``None`` is a visitor who is known. Raises ``Unavailable``."""
        with self._lock:
            if self._running < self._at_once:
                self._running += 1
                return
            waiting = _Waiting(stranger)
            self._queue(waiting)
        began = perf_counter()
        try:
            await asyncio.wrap_future(waiting.turn)
        except asyncio.CancelledError:
            self._leave(waiting)
            raise
        finally:
            note_wait("queue", began)

    def give_back(self) -> None:
        """End a turn; from any thread."""
        with self._lock:
            self._running -= 1
            self._call_next()

    def _queue(self, waiting: "_Waiting") -> None:
        line = self._strangers
        if waiting.place is None:
            line = self._known
            if len(line) >= self._places:
                raise self._unavailable()
        elif len(line) >= self._places:
            loser = _who_yields(line, waiting.place)
            if loser is None:
                raise self._unavailable()
            line.remove(loser)
            if loser.turn.set_running_or_notify_cancel():
                loser.turn.set_exception(self._unavailable())
        line.append(waiting)

    def _leave(self, waiting: "_Waiting") -> None:
        """The waiting request was canceled: free its place, or the turn that it just got."""
        with self._lock:
            for line in (self._known, self._strangers):
                if waiting in line:
                    line.remove(waiting)
                    return
            if waiting.called:
                self._running -= 1
                self._call_next()

    def _call_next(self) -> None:
        while self._running < self._at_once and (line := self._known or self._strangers):
            waiting = line.pop(0)
            if waiting.turn.set_running_or_notify_cancel():
                self._running += 1
                waiting.called = True
                waiting.turn.set_result(None)

    def _unavailable(self) -> Unavailable:
        return Unavailable(self._crowded, retry_after_seconds=1)


class _Waiting:
    """One who waits."""

    def __init__(self, place: AddressNetworks | None) -> None:
        self.place = place
        self.turn: Future[None] = Future()
        self.called = False


def _who_yields(line: list[_Waiting], place: AddressNetworks) -> _Waiting | None:
    """The last of the network that holds the most places, if that is at least two more than the newcomer's holds."""
    rivals = line
    for width in reversed(range(len(place.widths))):
        held = Counter(one.place.widths[width] for one in rivals if one.place is not None)
        largest, places = max(held.items(), key=lambda pair: pair[1])
        if places > held[place.widths[width]] + 1:
            return [one for one in rivals if one.place is not None and one.place.widths[width] == largest][-1]
        rivals = [one for one in rivals if one.place is not None and one.place.widths[width] == place.widths[width]]
        if not rivals:
            return None
    return None
