"""Limits how fast streams of many small pieces are read, so a provider that trickles bytes cannot use up a core.

Each piece costs about the same CPU time, however small it is. A stream may use a share of a core for that. A stream
above its share pauses, and the pieces that arrive during a pause are read as one. The events of a model stay far below
the share, so they are forwarded immediately.
"""

from ari.base.clock import Clock

_FORWARD_SECONDS = 250e-6
"""CPU time to forward a piece, in addition to reading it."""
_SECONDS_PER_BYTE = 10e-9
"""CPU time per byte that is not counted, so downloads are not slowed."""
_BURST_SECONDS = 0.01
_SHARE = 0.04
"""Of a core, for one stream: 160 pieces a second."""
_ALL_SHARE = 0.5
"""Of a core, for all streams together."""
_MAX_PAUSE_SECONDS = 2.0


class _Bucket:
    """CPU time used minus CPU time allowed; above 0 is too much."""

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
        """The share of a core for one stream; an equal part if all streams together use too much."""
        self._all.add(now, cost, _ALL_SHARE)
        return min(_SHARE, _ALL_SHARE / self.open) if self._all.debt > 0 else _SHARE


class ReadRate:
    """One stream, between ``open`` and ``close``."""

    def __init__(self, rates: ReadRates) -> None:
        self._rates = rates
        self._own = _Bucket(rates.clock.monotonic())

    def open(self) -> None:
        """The stream begins."""
        self._rates.open += 1

    def close(self) -> None:
        """The stream is over."""
        self._rates.open -= 1

    def pause_after(self, size: int, read_seconds: float) -> float:
        """How long to pause, in seconds, after a piece of ``size`` bytes that took ``read_seconds`` to read."""
        now = self._rates.clock.monotonic()
        cost = read_seconds + _FORWARD_SECONDS - size * _SECONDS_PER_BYTE
        share = self._rates.share(now, max(0, cost))
        self._own.add(now, cost, share)
        return min(self._own.debt / share, _MAX_PAUSE_SECONDS) if self._own.debt > 0 else 0.0
