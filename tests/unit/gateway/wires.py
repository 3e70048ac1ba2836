"""Stand-ins for a provider's connection and a clock."""

from collections.abc import Sequence


class ManualClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def now_ms(self) -> int:
        return 0

    def monotonic(self) -> float:
        return self.now

    def uptime_ms(self) -> int:
        return round(self.now * 1000)


class FakeReply:
    """Replaces a ``Reply`` of ``ari.outbound.http``."""

    def __init__(self, chunks: Sequence[bytes], *headers: tuple[bytes, bytes], status: int = 200) -> None:
        self.status, self.headers = status, headers
        self.chunks = list(chunks)
        self.pauses: list[float] = []

    @property
    def at_end(self) -> bool:
        return not self.chunks

    async def read(self) -> bytes:
        return self.chunks.pop(0) if self.chunks else b""

    def parse_seconds(self) -> float:
        return 0.0

    async def rest(self, seconds: float) -> None:
        self.pauses.append(seconds)
