"""The provider's response on its way to the caller: unpacked, without the provider's key, and never too fast."""

import asyncio
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from ari.gateway.masking import KeyMask, mask_key
from ari.gateway.read_rate import ReadRate, ReadRates
from ari.gateway.unpacking import CannotUnpack, coding_of, unpacking_for
from ari.http.problem import Header
from ari.outbound.http import OutboundFault, Reply

_OF_PACKED = (b"content-encoding", b"content-length")
_TURN_SECONDS = 0.0005
_WITHOUT_BODY = (204, 205, 304)


class ProviderResponse:
    """Reads as a ``Reply`` does. ``headers`` are the provider's as they fit the body that is read here.

    ``may_have_length``: a length may be announced, also in a response to ``HEAD``, which has no body (RFC 9110 §8.6).
    """

    def __init__(self, reply: Reply, method: str, secret: str, paces: ReadRates) -> None:
        self.status = reply.status
        self.may_have_length = reply.status not in _WITHOUT_BODY
        self.has_body = self.may_have_length and method != "HEAD"
        self._reply = reply
        self._mask = KeyMask(secret)
        self._pace = ReadRate(paces)
        self._rest_seconds = 0.0
        self._unpacking = unpacking_for(reply.headers)
        self._pieces: Iterator[bytes] = iter(())
        self._ended = False
        self.headers = _clean(reply.headers, secret, unpacked=self._unpacking is not None)

    async def __aenter__(self) -> Self:
        self._pace.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pace.close()

    @property
    def is_sound(self) -> bool:
        """Whether HTTP knows such a status for a final response (RFC 9110 §15)."""
        return 200 <= self.status <= 599

    @property
    def is_packed(self) -> bool:
        """Whether the body is still packed, in a way that is not known here."""
        return bool(coding_of(self.headers))

    @property
    def at_end(self) -> bool:
        """Whether all of the body was read; it may be over without that being known yet."""
        return self._ended

    async def read(self) -> bytes:
        """What of the body may go on, as soon as there is any; empty at its end. Raises ``OutboundFault``."""
        while not self._ended:
            piece = await self._next_piece()
            found = self._mask.mask(piece) if piece else b""
            if (self._unpacking is None and self._reply.at_end) or not piece:
                found += self._mask.flush()
                self._ended = True
            if found:
                return found
        return b""

    async def beginning(self, most_bytes: int) -> bytes:
        """At most so much of the body, with the key still in it. Raises ``OutboundFault``."""
        found = bytearray()
        while len(found) < most_bytes and (piece := await self._next_piece()):
            found += piece
        return bytes(found[:most_bytes])

    async def _next_piece(self) -> bytes:
        """The next piece, unpacked; empty at the end."""
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
        self._rest_seconds = self._pace.rest_after(len(chunk), spent) if chunk else 0.0
        if spent > _TURN_SECONDS and not self._rest_seconds:
            await asyncio.sleep(0)  # the next piece may be here already: others get their turn first
        return chunk


def _clean(raw: Sequence[Header], secret: str, *, unpacked: bool) -> list[Header]:
    """The headers without the key; those that speak of a packed body only where it still is."""
    kept = [(name, value) for name, value in raw if not (unpacked and name.lower() in _OF_PACKED)]
    together = b"\n".join(value for _, value in kept)
    if mask_key(together, secret) == together:
        return kept
    return [(name, mask_key(value, secret, b"***")) for name, value in kept]
