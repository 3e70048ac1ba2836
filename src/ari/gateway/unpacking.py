"""Unpacking a compressed response within limits, a piece at a time (RFC 9110 §8.4.1). No I/O.

Responses are asked for uncompressed, so few come so. Unpacked, the key can be found in them, and usage too.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence

from ari.http.problem import Header

PIECE_BYTES = 64 * 1024
MOST_BYTES = 256 * 1024 * 1024
"""Of one response. Ten thousand numbers of an embedding are far less; a bomb is far more."""
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


class CannotUnpack(Exception):
    """The data is damaged, cut off, or larger than any response should be."""


class Unpacking:
    """One response on its way out of gzip or deflate."""

    def __init__(self, window: Callable[[bytes], int]) -> None:
        self._window = window
        self._stream: zlib._Decompress | None = None
        self._room = MOST_BYTES

    def pieces(self, packed: bytes) -> Iterator[bytes]:
        """What this unpacks to, never much at once. Raises ``CannotUnpack``."""
        while packed:
            if self._stream is None:
                self._stream = zlib.decompressobj(self._window(packed))
            try:
                piece = self._stream.decompress(packed, PIECE_BYTES)
            except zlib.error:
                raise CannotUnpack from None
            packed = self._stream.unconsumed_tail
            if self._stream.eof:
                # Several members may follow each other (RFC 1952 §2.2).
                packed, self._stream = self._stream.unused_data, None
            self._room -= len(piece)
            if self._room < 0:
                raise CannotUnpack
            if piece:
                yield piece

    def end(self) -> None:
        """Nothing follows. Raises ``CannotUnpack`` if something should."""
        if self._stream is not None:
            raise CannotUnpack


def unpacking_for(raw: Sequence[Header]) -> Unpacking | None:
    """What unpacks a response with these headers; ``None`` if it is not packed, or in a way that is not known here."""
    coding = coding_of(raw)
    if coding in (b"gzip", b"x-gzip"):
        return Unpacking(lambda _: _GZIP)
    return Unpacking(_deflate) if coding == b"deflate" else None


def coding_of(raw: Sequence[Header]) -> bytes:
    """The codings that a response names, in lower case; empty if it is not packed."""
    named = b",".join(value for name, value in raw if name.lower() == b"content-encoding").lower()
    codings = [one for part in named.split(b",") if (one := part.strip()) and one != b"identity"]
    return b", ".join(codings)


def _deflate(first: bytes) -> int:
    """Some servers send zlib's format, as they should, and some the bare one."""
    is_zlib = first[0] & 0x0F == 8 and (len(first) < 2 or int.from_bytes(first[:2], "big") % 31 == 0)
    return _ZLIB if is_zlib else _RAW
