"""A compressed response is decompressed within limits, piece by piece."""

import gzip
import zlib

import pytest

from ari.gateway import unpacking
from ari.gateway.unpacking import CannotUnpack, Decompressor, find_decompressor, get_codings

BODY = b'{"usage": 1}' * 20_000
RAW = zlib.compressobj(wbits=-15)


def _make_decompressor(coding: bytes) -> Decompressor:
    found = find_decompressor([(b"Content-Encoding", coding)])
    assert found is not None
    return found


@pytest.mark.parametrize("size", [1, 100, 1_000_000])
@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        (b"gzip", gzip.compress(BODY)),
        (b"X-GZIP", gzip.compress(BODY[:7]) + gzip.compress(BODY[7:])),
        (b"gzip", gzip.compress(BODY) + b"\0" * 9),
        (b"gzip", gzip.compress(BODY) + b"\r\n\x1f\x8bpadding"),
        (b"deflate", zlib.compress(BODY)),
        (b"deflate", zlib.compress(BODY) + b"\n"),
        (b"deflate", RAW.compress(BODY) + RAW.flush()),
    ],
)
def test_every_cut_gives_the_same_body(coding: bytes, packed: bytes, size: int) -> None:
    """gzip of one or several members (RFC 1952 §2.2), both forms of deflate that servers send, and padding."""
    stream = _make_decompressor(coding)
    found = [piece for at in range(0, len(packed), size) for piece in stream.pieces(packed[at : at + size])]
    stream.end()
    assert b"".join(found) == BODY
    assert max(map(len, found)) <= unpacking.PIECE_BYTES


@pytest.mark.parametrize("packed", [gzip.compress(BODY)[:-9], gzip.compress(BODY)[:200]])
def test_a_truncated_body_is_an_error(packed: bytes) -> None:
    """Otherwise a caller would take it for complete."""
    stream = _make_decompressor(b"gzip")
    assert b"".join(stream.pieces(packed)) in BODY
    with pytest.raises(CannotUnpack):
        stream.end()


def test_a_damaged_body_is_an_error() -> None:
    """At the first byte that does not fit."""
    with pytest.raises(CannotUnpack):
        list(_make_decompressor(b"gzip").pieces(b"not gzip at all"))


def test_a_bomb_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider cannot fill the memory of the instance."""
    monkeypatch.setattr(unpacking, "MAX_BYTES", 300_000)
    found: list[bytes] = []
    with pytest.raises(CannotUnpack):
        found.extend(_make_decompressor(b"gzip").pieces(gzip.compress(b"\0" * 1_000_000)))
    assert 200_000 < sum(map(len, found)) <= 300_000


@pytest.mark.parametrize("coding", [b"br", b"zstd", b"gzip, gzip", b"compress", b"identity", b""])
def test_other_codings_are_left_alone(coding: bytes) -> None:
    """Unknown ones, several at once, and none."""
    assert find_decompressor([(b"content-encoding", coding)]) is None


def test_the_codings_of_several_lines_are_joined() -> None:
    """A list may be split over header lines (RFC 9110 §5.3); identity means nothing was done."""
    assert get_codings([(b"Content-Encoding", b"GZIP"), (b"content-encoding", b"identity, br")]) == b"gzip, br"
    assert get_codings([(b"content-type", b"gzip")]) == b""
