"""Decompresses a response within limits, piece by piece (RFC 9110 §8.4.1). No I/O.

ARI requests responses uncompressed, so few are compressed. Only decompressed can the key be masked and usage be read.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence

from ari.http.problem import Header

PIECE_BYTES = 64 * 1024
MAX_BYTES = 256 * 1024 * 1024
"""Limit for one response: far more than a large embedding, far less than a decompression bomb."""
_GZIP_MARK = b"\x1f"
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


class CannotUnpack(Exception):
    """The data is damaged, truncated, or exceeds the limit."""


class Decompressor:
    """Decompresses one gzip or deflate response."""

    def __init__(self, window: Callable[[bytes], int]) -> None:
        self._window = window
        self._has_member = self._is_over = False
        self._stream: zlib._Decompress | None = None
        self._room = MAX_BYTES

    def pieces(self, packed: bytes) -> Iterator[bytes]:
        """The decompressed data in small pieces. Raises ``CannotUnpack``."""
        while packed and not self._is_over:
            if self._stream is None:
                if self._has_member and not packed.startswith(_GZIP_MARK):
                    self._is_over = True
                    return
                self._stream = zlib.decompressobj(self._window(packed))
            try:
                piece = self._stream.decompress(packed, PIECE_BYTES)
            except zlib.error:
                raise CannotUnpack from None
            packed = self._stream.unconsumed_tail
            if self._stream.eof:
                # Several gzip members may follow each other (RFC 1952 §2.2). Clients ignore other bytes after the end.
                packed, self._stream, self._has_member = self._stream.unused_data, None, True
            self._room -= len(piece)
            if self._room < 0:
                raise CannotUnpack
            if piece:
                yield piece

    def end(self) -> None:
        """Finish. Raises ``CannotUnpack`` if data is missing."""
        if self._stream is not None:
            raise CannotUnpack


def find_decompressor(raw: Sequence[Header]) -> Decompressor | None:
    """The decompressor for a response; ``None`` if it is not compressed, or in an unknown format."""
    coding = get_codings(raw)
    if coding in (b"gzip", b"x-gzip"):
        return Decompressor(lambda _: _GZIP)
    return Decompressor(_deflate) if coding == b"deflate" else None


def get_codings(raw: Sequence[Header]) -> bytes:
    """The content codings of a response, in lower case; empty if there are none."""
    lines = [value for name, value in raw if name.lower() == b"content-encoding"]
    if not lines:
        return b""
    named = b",".join(lines).lower()
    codings = [one for part in named.split(b",") if (one := part.strip()) and one != b"identity"]
    return b", ".join(codings)


def _deflate(first: bytes) -> int:
    """Window for ``deflate``: zlib's format per RFC 9110, or the raw one that some servers send."""
    is_zlib = first[0] & 0x0F == 8 and (len(first) < 2 or int.from_bytes(first[:2], "big") % 31 == 0)
    return _ZLIB if is_zlib else _RAW
