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
_BURST_SECONDS = 0.05
_SHARE = 0.04
"""Of a core, for one stream: 160 pieces a second."""
_ALL_SHARE = 0.5
"""Of a core, for all streams that rest now."""
_LONGEST_REST_SECONDS = 2.0


class Paces:
    """The streams of one process."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.resting = 0

    @property
    def share(self) -> float:
        """What part of a core one stream may use now."""
        return min(_SHARE, _ALL_SHARE / max(1, self.resting))


class Pace:
    """One stream. ``close`` it at its end."""

    def __init__(self, paces: Paces) -> None:
        self._paces = paces
        self._debt = -_BURST_SECONDS
        self._at = paces.clock.monotonic()
        self._rests = False

    def rest_after(self, size: int, read_seconds: float) -> float:
        """How long to rest, in seconds, after a piece of ``size`` bytes that took ``read_seconds`` to read."""
        now, share = self._paces.clock.monotonic(), self._paces.share
        cost = read_seconds + _FORWARD_SECONDS - size * _SECONDS_PER_BYTE
        self._debt = max(-_BURST_SECONDS, self._debt - (now - self._at) * share + cost)
        self._at = now
        self._count(self._debt > 0)
        return min(self._debt / share, _LONGEST_REST_SECONDS) if self._debt > 0 else 0.0

    def close(self) -> None:
        """The stream is over."""
        self._count(False)

    def _count(self, rests: bool) -> None:
        self._paces.resting += rests - self._rests
        self._rests = rests
