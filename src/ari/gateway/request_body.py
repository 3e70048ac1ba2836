"""Reads the caller's body: a small one whole, so that it can be examined, a larger one as it arrives.

The JSON rules of ``http/body.py`` do not apply, since each provider has its own.
"""

from collections.abc import AsyncIterator, Callable
from time import perf_counter

from ari.base.served_request import note_wait
from ari.base.time_limit import TimeLimit
from ari.gateway.body_budget import BodyBudget
from ari.http.body import BODY_SECONDS, BodyFault, make_broken_body_fault
from ari.http.context import Receive
from ari.http.problem import Fault
from ari.http.request_head import INVALID_REQUEST, RequestHead
from ari.keys.reasons import REQUEST_ERRORS

MAX_BYTES = 32 * 1024 * 1024
WHOLE_BYTES = 1024 * 1024
"""Bodies up to this size are read whole before they are sent."""
_CLOSE = ((b"connection", b"close"),)


class RequestBody:
    """``whole`` holds a small body; a larger one is ``pieces()``, of ``length`` bytes if Content-Length was sent.

    ``gone``: the caller disconnected; ``has_left``: before it had all that the provider sent.
    """

    __slots__ = (
        "_budget",
        "_held",
        "_receive",
        "_reserved_bytes",
        "_size",
        "fault",
        "gone",
        "has_left",
        "length",
        "whole",
    )

    def __init__(self, receive: Receive, length: int | None, whole: bytes | None) -> None:
        self._receive = receive
        self.length = length
        self.whole = whole
        self.fault: Fault | None = None
        self.gone = self.has_left = False
        self._held: list[bytes] = []
        self._size = 0
        self._budget: BodyBudget | None = None
        self._reserved_bytes = 0

    async def hold(self, budget: BodyBudget) -> bool:
        """Read the rest of the body into ``whole``. ``False`` if the budget doesn't allow it; ``pieces`` has it then.

        Raises ``BodyFault``. Call ``release`` at the end of the request.
        """
        if self.whole is not None:
            return True
        self._budget, more = budget, True
        while more:
            chunk, more = await self._read_next()
            self._held.append(chunk)
            if not budget.take(len(chunk)):
                return False
            self._reserved_bytes += len(chunk)
        self.whole = b"".join(self._held)
        self._held.clear()
        return True

    def release(self) -> None:
        """Release the memory that ``hold`` reserved."""
        if self._budget is not None:
            self._budget.release(self._reserved_bytes)
            self._reserved_bytes = 0

    async def pieces(self, at_end: Callable[[], None]) -> AsyncIterator[bytes]:
        """Each chunk as it arrives, no faster than it is consumed.

        If the body is not acceptable or breaks off, the error is kept in ``fault`` too, because the HTTP client wraps
        what is raised.
        """
        for index, piece in enumerate(self._held):
            self._held[index] = b""
            yield piece
        self.release()
        more = True
        while more:
            chunk, more = await self._read_next()
            if chunk:
                yield chunk
        at_end()

    async def _read_next(self) -> tuple[bytes, bool]:
        try:
            chunk, more = await _next(self._receive)
            self._size += len(chunk)
            if self._size > MAX_BYTES:
                raise _too_large()
        except BodyFault as error:
            self.fault = error.fault
            raise
        return chunk, more


async def read_body(incoming: RequestHead, receive: Receive) -> RequestBody:
    """The body, read whole if it is small. Raises ``BodyFault``."""
    if incoming.first(b"content-encoding") not in (None, b"identity"):
        raise BodyFault(Fault(REQUEST_ERRORS["unsupported_media_type"], "Send the body without Content-Encoding."))
    declared = incoming.first(b"content-length")
    if declared is not None and (not declared.isdigit() or len(declared) > 12):
        raise BodyFault(Fault(INVALID_REQUEST, "Content-Length isn't a number."))
    length = None if declared is None else int(declared)
    if length is None and incoming.first(b"transfer-encoding") is None:
        length = 0
    if length is not None and length > MAX_BYTES:
        raise _too_large()
    if length is None or length > WHOLE_BYTES:
        return RequestBody(receive, length, None)
    return RequestBody(receive, length, await _whole(receive))


async def _whole(receive: Receive) -> bytes:
    chunk, more = await _next(receive)
    if not more:
        return chunk
    chunks = [chunk]
    while more:
        chunk, more = await _next(receive)
        chunks.append(chunk)
    return b"".join(chunks)


async def _next(receive: Receive) -> tuple[bytes, bool]:
    began = perf_counter()
    try:
        with TimeLimit(BODY_SECONDS):
            message = await receive()
    except TimeoutError:
        raise BodyFault(Fault(REQUEST_ERRORS["request_timeout"], headers=_CLOSE)) from None
    finally:
        note_wait("client", began)
    if message["type"] == "http.disconnect":
        raise make_broken_body_fault()
    return message.get("body", b""), message.get("more_body", False)


def _too_large() -> BodyFault:
    return BodyFault(Fault(REQUEST_ERRORS["too_large"], "The body can be at most 32 MiB.", headers=_CLOSE))
