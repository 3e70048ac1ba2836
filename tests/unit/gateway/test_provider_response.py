"""A provider's response as the caller is to get it: unpacked within limits, without the key, at a bounded cost."""

import asyncio
import gzip
import zlib
from collections.abc import Sequence
from typing import Any

import pytest

from ari.gateway import unpacking
from ari.gateway.provider_response import ProviderResponse
from ari.gateway.read_rate import ReadRate, ReadRates
from ari.outbound.http import OutboundFault

SECRET = "sk-proj-Qw7e0Rt4Yu8Io2Pa6Sd1Fg5Hj9Kl3Zx7Cv0Bn4Mq8"
BODY = b'{"key": "' + SECRET.encode() + b'", "rest": "' + b"x" * 200_000 + b'"}'
HIDDEN = BODY.replace(SECRET.encode(), b"*" * len(SECRET))
RAW = zlib.compressobj(wbits=-15)


class Hands:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def now_ms(self) -> int:
        return 0

    def monotonic(self) -> float:
        return self.now


class Wire:
    """Stands in for a ``Reply``."""

    def __init__(self, chunks: Sequence[bytes], *headers: tuple[bytes, bytes], status: int = 200) -> None:
        self.status, self.headers = status, headers
        self.chunks = list(chunks)
        self.rests: list[float] = []

    @property
    def at_end(self) -> bool:
        return not self.chunks

    async def read(self) -> bytes:
        return self.chunks.pop(0) if self.chunks else b""

    def parse_seconds(self) -> float:
        return 0.0

    async def rest(self, seconds: float) -> None:
        self.rests.append(seconds)


def _received(wire: Any, paces: ReadRates | None = None) -> ProviderResponse:
    return ProviderResponse(wire, "POST", SECRET, paces or ReadRates(Hands()))


def _read(received: ProviderResponse) -> list[bytes]:
    async def work() -> list[bytes]:
        found = []
        async with received:
            while chunk := await received.read():
                found.append(chunk)
        return found

    return asyncio.run(work())


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 7, 64, 1_000_000])
@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        (b"gzip", gzip.compress(BODY)),
        (b"GZIP", gzip.compress(BODY[:50]) + gzip.compress(BODY[50:])),
        (b"x-gzip", gzip.compress(BODY)),
        (b"deflate", zlib.compress(BODY)),
        (b"deflate", RAW.compress(BODY) + RAW.flush()),
        (b"identity", BODY),
    ],
)
def test_a_packed_body_is_unpacked(coding: bytes, packed: bytes, size: int) -> None:
    """However it is cut; headers that speak of the packed form stay here, and the key is covered."""
    chunks = _cut(packed, size) if len(packed) < 5_000 or size > 1_000 else [packed]
    wire = Wire(chunks, (b"Content-Encoding", coding), (b"Content-Length", b"%d" % len(packed)))
    received = _received(wire)
    found = _read(received)
    assert b"".join(found) == HIDDEN
    assert coding == b"identity" or received.headers == []
    assert coding == b"identity" or max(map(len, found)) <= 2 * unpacking.PIECE_BYTES


@pytest.mark.parametrize("packed", [gzip.compress(BODY)[:-9], b"no gzip", gzip.compress(BODY)[:200] + b"x" * 100])
def test_a_damaged_body_breaks_off(packed: bytes) -> None:
    """It is never taken for a whole one."""
    with pytest.raises(OutboundFault, match="broken"):
        _read(_received(Wire([packed], (b"content-encoding", b"gzip"))))


def test_a_bomb_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece at a time, and no more than a response may have."""
    monkeypatch.setattr(unpacking, "MAX_BYTES", 1_000_000)
    wire = Wire([gzip.compress(b"\0" * 5_000_000)], (b"content-encoding", b"gzip"))
    received, seen = _received(wire), 0

    async def work() -> None:
        nonlocal seen
        while chunk := await received.read():
            assert len(chunk) <= unpacking.PIECE_BYTES
            seen += len(chunk)

    with pytest.raises(OutboundFault, match="broken"):
        asyncio.run(work())
    assert 900_000 < seen <= 1_000_000


@pytest.mark.parametrize("coding", [b"br", b"zstd", b"gzip, gzip", b"compress"])
def test_another_coding_stays_as_it_is(coding: bytes) -> None:
    """Its headers too."""
    headers = ((b"content-encoding", coding), (b"content-length", b"6"))
    received = _received(Wire([b"packed"], *headers))
    assert received.is_compressed
    assert (list(received.headers), _read(received)) == (list(headers), [b"packed"])


def test_headers_are_without_the_key() -> None:
    """All of it, ten characters of it, and as a URL writes it."""
    said = [SECRET, SECRET[5:20], SECRET.replace("-", "%2D"), "limit=7"]
    received = _received(Wire([], *((b"x-ratelimit-%d" % at, one.encode()) for at, one in enumerate(said))))
    values = [value for _, value in received.headers]
    assert values[0] == values[1] == b"***"
    assert b"***" in values[2]
    assert SECRET[-10:].encode() not in values[2]
    assert values[3] == b"limit=7"


def test_the_end_is_known_with_the_last_piece() -> None:
    """So the caller is not kept waiting for it."""

    async def work() -> None:
        received = await _received(Wire([b"one", b"two sk-pr"])).__aenter__()
        assert (await received.read(), received.at_end) == (b"one", False)
        assert (await received.read(), received.at_end) == (b"two sk-pr", True)

    asyncio.run(work())


def test_a_model_is_never_slowed() -> None:
    """100 events a second, for a minute."""
    hands = Hands()
    pace = ReadRate(ReadRates(hands))
    pace.open()
    for _ in range(6_000):
        hands.now += 0.01
        assert pace.pause_after(200, 20e-6) == 0


def test_large_pieces_are_never_slowed() -> None:
    """A download as fast as the network gives it."""
    pace = ReadRate(ReadRates(Hands()))
    pace.open()
    assert not any(pace.pause_after(65_536, 100e-6) for _ in range(10_000))


@pytest.mark.parametrize("streams", [1, 10, 100])
def test_trickling_streams_share_a_part_of_a_core(streams: int) -> None:
    """Whatever they send, as fast as they can; 10 use less than half of a core, and 100 not much more."""
    hands = Hands()
    paces = ReadRates(hands)
    running = [(0.0, number, ReadRate(paces)) for number in range(streams)]
    for _, _, pace in running:
        pace.open()
    used = 0.0
    while hands.now < 60:
        running.sort(key=lambda one: one[:2])
        at, number, pace = running.pop(0)
        hands.now = max(hands.now, at)
        cost = 0.003
        used += cost
        hands.now += cost
        running.append((hands.now + pace.pause_after(4_096, cost), number, pace))
    assert used / hands.now < 0.7
    for _, _, pace in running:
        pace.close()
    assert paces.open == 0


def test_a_rest_comes_before_the_next_piece() -> None:
    """The piece itself is passed on at once."""
    wire = Wire([b"x"] * 1_000)
    received = _received(wire)
    assert b"".join(_read(received)) == b"x" * 1_000
    assert 0 < len(wire.rests) < 1_000
    assert max(wire.rests) <= 2
