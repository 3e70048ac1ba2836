"""A clock that a test moves."""


class FrozenClock:
    """A clock that is stopped until a test moves it."""

    def __init__(self, now_ms: int = 1_764_000_000_000) -> None:
        self._now_ms = now_ms
        self._monotonic = 0.0

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic(self) -> float:
        return self._monotonic

    def uptime_ms(self) -> int:
        return round(self._monotonic * 1000)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        self._now_ms += round(seconds * 1000)
        self._monotonic += seconds

    def step(self, seconds: float) -> None:
        """Set the time of day forward or back, as an administrator or a time server does; no time passes."""
        self._now_ms += round(seconds * 1000)
