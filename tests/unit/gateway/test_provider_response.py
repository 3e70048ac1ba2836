"""A provider's response as the caller is to get it: unpacked within limits, without the key, at a bounded cost."""

import asyncio
import gzip
import zlib
from typing import Any, cast

import pytest

from ari.gateway import unpacking
from ari.gateway.provider_response import ProviderResponse
from ari.gateway.read_rate import ReadRates
from ari.outbound.http import OutboundFault
from tests.unit.gateway.wires import FakeReply, ManualClock

SECRET = "sk-proj-Qw7e0Rt4Yu8Io2Pa6Sd1Fg5Hj9Kl3Zx7Cv0Bn4Mq8"
BODY = b'{"key": "' + SECRET.encode() + b'", "rest": "' + b"x" * 200_000 + b'"}'
HIDDEN = BODY.replace(SECRET.encode(), b"*" * len(SECRET))
RAW = zlib.compressobj(wbits=-15)


def _make_response(wire: FakeReply, paces: ReadRates | None = None) -> ProviderResponse:
    return ProviderResponse(cast("Any", wire), "POST", SECRET, paces or ReadRates(ManualClock()))


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
    wire = FakeReply(chunks, (b"Content-Encoding", coding), (b"Content-Length", b"%d" % len(packed)))
    received = _make_response(wire)
    found = _read(received)
    assert b"".join(found) == HIDDEN
    assert coding == b"identity" or received.headers == []
    assert coding == b"identity" or max(map(len, found)) <= 2 * unpacking.PIECE_BYTES


@pytest.mark.parametrize("packed", [gzip.compress(BODY)[:-9], b"no gzip", gzip.compress(BODY)[:200] + b"x" * 100])
def test_a_damaged_body_breaks_off(packed: bytes) -> None:
    """It is never taken for a whole one."""
    with pytest.raises(OutboundFault, match="broken"):
        _read(_make_response(FakeReply([packed], (b"content-encoding", b"gzip"))))


def test_a_bomb_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece at a time, and no more than a response may have."""
    monkeypatch.setattr(unpacking, "MAX_BYTES", 1_000_000)
    wire = FakeReply([gzip.compress(b"\0" * 5_000_000)], (b"content-encoding", b"gzip"))
    received, seen = _make_response(wire), 0

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
    received = _make_response(FakeReply([b"packed"], *headers))
    assert received.is_compressed
    assert (list(received.headers), _read(received)) == (list(headers), [b"packed"])


def test_headers_are_without_the_key() -> None:
    """All of it, ten characters of it, and as a URL writes it."""
    said = [SECRET, SECRET[5:20], SECRET.replace("-", "%2D"), "limit=7"]
    received = _make_response(FakeReply([], *((b"x-ratelimit-%d" % at, one.encode()) for at, one in enumerate(said))))
    values = [value for _, value in received.headers]
    assert values[0] == values[1] == b"***"
    assert b"***" in values[2]
    assert SECRET[-10:].encode() not in values[2]
    assert values[3] == b"limit=7"


def test_the_end_is_known_with_the_last_piece() -> None:
    """So the caller is not kept waiting for it."""

    async def work() -> None:
        received = await _make_response(FakeReply([b"one", b"two sk-pr"])).__aenter__()
        assert (await received.read(), received.at_end) == (b"one", False)
        assert (await received.read(), received.at_end) == (b"two sk-pr", True)

    asyncio.run(work())


def test_a_rest_comes_before_the_next_piece() -> None:
    """The piece itself is passed on at once."""
    wire = FakeReply([b"x"] * 1_000)
    received = _make_response(wire)
    assert b"".join(_read(received)) == b"x" * 1_000
    assert 0 < len(wire.pauses) < 1_000
    assert max(wire.pauses) <= 2
