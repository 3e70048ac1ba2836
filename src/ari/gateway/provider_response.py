"""Reads the provider's response: decompressed, with the provider key masked, at a limited rate."""

import asyncio
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from ari.gateway.masking import KeyMask, mask_key
from ari.gateway.read_rate import ReadRate, ReadRates
from ari.gateway.unpacking import CannotUnpack, find_decompressor, get_codings
from ari.http.problem import Header
from ari.outbound.http import OutboundFault, Reply

_OF_PACKED = (b"content-encoding", b"content-length")
_TICK_SECONDS = 0.0005
_WITHOUT_BODY = (204, 205, 304)


class ProviderResponse:
    """Has the interface of ``Reply``. ``headers`` are the provider's, adapted to the body that ``read`` returns.

    ``may_have_length``: Content-Length may be sent, also in a response to ``HEAD``, which has no body (RFC 9110 §8.6).
    """

    def __init__(self, reply: Reply, method: str, secret: str, rates: ReadRates) -> None:
        self.status = reply.status
        self.may_have_length = reply.status not in _WITHOUT_BODY
        self.has_body = self.may_have_length and method != "HEAD"
        self._reply = reply
        self._mask = KeyMask(secret)
        self._rate = ReadRate(rates)
        self._rest_seconds = 0.0
        self._unpacking = find_decompressor(reply.headers)
        self._pieces: Iterator[bytes] = iter(())
        self._ended = False
        self.headers = _clean(reply.headers, secret, unpacked=self._unpacking is not None)

    async def __aenter__(self) -> Self:
        self._rate.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rate.close()

    @property
    def has_valid_status(self) -> bool:
        """Whether the status is valid for a final response (RFC 9110 §15)."""
        return 200 <= self.status <= 599

    @property
    def is_compressed(self) -> bool:
        """Whether the body is compressed in a format that ARI does not know."""
        return bool(get_codings(self.headers))

    @property
    def at_end(self) -> bool:
        """Whether all of the body was read. ``False`` if the end is not known yet."""
        return self._ended

    async def read(self) -> bytes:
        """The next bytes for the caller; empty at the end. Raises ``OutboundFault``."""
        while not self._ended:
            piece = await self._next_piece()
            found = self._mask.mask(piece) if piece else b""
            if (self._unpacking is None and self._reply.at_end) or not piece:
                found += self._mask.flush()
                self._ended = True
            if found:
                return found
        return b""

    async def read_beginning(self, max_bytes: int) -> bytes:
        """The first ``max_bytes`` of the body, with the key not yet masked. Raises ``OutboundFault``."""
        found = bytearray()
        while len(found) < max_bytes and (piece := await self._next_piece()):
            found += piece
        return bytes(found[:max_bytes])

    async def _next_piece(self) -> bytes:
        """The next piece, decompressed; empty at the end."""
        if self._unpacking is None:
            return await self._next_chunk()
        try:
            while True:
                piece = next(self._pieces, None)
                if piece is not None:
                    return piece
                chunk = await self._next_chunk()
                if not chunk:
                    self._unpacking.end()
                    return b""
                self._pieces = self._unpacking.pieces(chunk)
        except CannotUnpack:
            raise OutboundFault("broken") from None

    async def _next_chunk(self) -> bytes:
        reply = self._reply
        if self._rest_seconds:
            await reply.rest(self._rest_seconds)
        chunk = await reply.read()
        spent = reply.parse_seconds()
        self._rest_seconds = self._rate.pause_after(len(chunk), spent) if chunk else 0.0
        if spent > _TICK_SECONDS and not self._rest_seconds:
            await asyncio.sleep(0)  # the next piece may be here already; let other tasks run first
        return chunk


def _clean(raw: Sequence[Header], secret: str, *, unpacked: bool) -> list[Header]:
    """The headers without the key; those that speak of a packed body only where it still is."""
    kept = [(name, value) for name, value in raw if not (unpacked and name.lower() in _OF_PACKED)]
    together = b"\n".join(value for _, value in kept)
    if mask_key(together, secret) == together:
        return kept
    return [(name, mask_key(value, secret, b"***")) for name, value in kept]
