"""How fast streams of many small pieces are read: a provider that trickles bytes does not use up a core.

Each piece costs about the same, however small. A stream may use a share of a core for pieces that are small for their
cost; what is over that it pays back by resting, and the pieces that come in a rest are read as one. The events of a
model are far below the share, so they are passed on at once.
"""

from ari.base.clock import Clock

_FORWARD_SECONDS = 250e-6
"""What it costs to pass on a piece, besides reading it."""
_SECONDS_PER_BYTE = 10e-9
"""What bytes may cost at no charge: downloads are not slowed."""
_BURST_SECONDS = 0.01
_SHARE = 0.04
"""Of a core, for one stream: 160 pieces a second."""
_ALL_SHARE = 0.5
"""Of a core, for all streams together."""
_LONGEST_REST_SECONDS = 2.0


class _Bucket:
    """Time that was used, less what may be used: above 0 it is too much."""

    def __init__(self, now: float) -> None:
        self.debt = -_BURST_SECONDS
        self._at = now

    def add(self, now: float, cost: float, share: float) -> None:
        self.debt = max(-_BURST_SECONDS, self.debt - (now - self._at) * share + cost)
        self._at = now


class ReadRates:
    """The streams of one process."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.open = 0
        self._all = _Bucket(clock.monotonic())

    def share(self, now: float, cost: float) -> float:
        """What part of a core a stream that used so much may use: an equal one, if all together use too much."""
        self._all.add(now, cost, _ALL_SHARE)
        return min(_SHARE, _ALL_SHARE / self.open) if self._all.debt > 0 else _SHARE


class ReadRate:
    """One stream, between ``open`` and ``close``."""

    def __init__(self, paces: ReadRates) -> None:
        self._paces = paces
        self._own = _Bucket(paces.clock.monotonic())

    def open(self) -> None:
        """It begins."""
        self._paces.open += 1

    def close(self) -> None:
        """It is over."""
        self._paces.open -= 1

    def rest_after(self, size: int, read_seconds: float) -> float:
        """How long to rest, in seconds, after a piece of ``size`` bytes that took ``read_seconds`` to read."""
        now = self._paces.clock.monotonic()
        cost = read_seconds + _FORWARD_SECONDS - size * _SECONDS_PER_BYTE
        share = self._paces.share(now, max(0, cost))
        self._own.add(now, cost, share)
        return min(self._own.debt / share, _LONGEST_REST_SECONDS) if self._own.debt > 0 else 0.0
