"""A request body to which ARI adds the usage option, and which it can send again without it if a server refuses it.

A large body is kept in memory for that as long as the process is within its budget. Otherwise it is rewritten while it
passes and cannot be sent again.
"""

from collections.abc import AsyncIterable, AsyncIterator, Callable

from ari.gateway.body_budget import BodyBudget
from ari.gateway.request_body import RequestBody
from ari.gateway.usage_injection import (
    PADDING,
    OptionSupport,
    UsageInjector,
    inject,
    inject_stream,
    is_refusal,
    may_be_refusal,
)
from ari.integrations.model import Credential


class InjectedBody:
    """One request's body. Call ``read`` first and ``close`` last."""

    def __init__(
        self, option_support: OptionSupport, budget: BodyBudget, credential: Credential, now: Callable[[], float]
    ) -> None:
        self._option_support = option_support
        self._budget = budget
        self._credential = credential
        self._now = now
        self._reserved_bytes = 0
        self._whole: bytes | None = None
        self._rest: AsyncIterable[bytes] | None = None
        self._length: int | None = None
        self._injector = UsageInjector(self._refuses)
        self._without_option = False

    @property
    def hides(self) -> bool:
        """Whether ARI added the option, so the event that only reports usage must be removed."""
        return self._injector.injected

    async def read(self, sent: RequestBody, at_end: Callable[[], None]) -> None:
        """Read the body from the caller, all of it if the budget allows. Raises ``BodyFault``, ``ClientGone``."""
        self._length = sent.length
        if sent.whole is not None:
            self._whole = sent.whole
            return
        pieces, held = sent.pieces(at_end), []
        async for piece in pieces:
            held.append(piece)
            if not self._budget.take(len(piece)):
                self._rest = _chain(held, pieces)
                return
            self._reserved_bytes += len(piece)
        self._whole = b"".join(held)

    def next(self, headers: list[tuple[str, str]]) -> bytes | AsyncIterator[bytes] | None:
        """The body for the next attempt. Adds Content-Length to the headers unless the HTTP client does."""
        if self._rest is not None:
            rest, self._rest = self._rest, None
            if self._length is not None:
                headers.append(("content-length", str(self._length + PADDING)))
            return inject_stream(self._injector, rest, self._length)
        body = self._whole
        if body and not self._without_option:
            self._injector, body = inject(body, self._refuses)
        if not body:
            return None
        return body if self._length is not None else _chain([body], None)

    def note_accepted(self) -> None:
        """A successful response began, so the body is no longer needed.

        Only now it's known that the option was what the server refused, and not something of the caller's.
        """
        if self._injector.injected:
            self._note(refused=False)
        elif self._without_option:
            self._note_refused()
        self.close()

    def should_retry(self, status: int, error: bytes | None) -> bool:
        """Whether to send the body again without the option. ``error`` is the body of the response, if it was read.

        If the error refuses exactly the option and this body is gone, later requests for this model don't get it for a
        while.
        """
        if not self._injector.injected:
            return False
        accepts = self._option_support.accepts(self._credential, self._injector.model, self._now())
        if not may_be_refusal(status, error, accepts):
            return False
        if self._whole is None:
            if is_refusal(status, error):
                self._note_refused()
            return False
        before = self._injector
        self._injector = UsageInjector(self._refuses)
        self._injector.model, self._injector.is_plain = before.model, before.is_plain
        self._without_option = True
        return True

    @property
    def is_whole(self) -> bool:
        """Whether all of it is kept, so that it can be sent again."""
        return self._whole is not None

    @property
    def cannot_retry(self) -> bool:
        """Whether the server refused the option and the body was too large to keep."""
        return self._injector.injected and self._whole is None and self._refuses(self._injector.model)

    def close(self) -> None:
        """Release the body."""
        self._budget.release(self._reserved_bytes)
        self._reserved_bytes = 0
        self._whole = None

    def _refuses(self, model: str) -> bool:
        return self._option_support.refuses(self._credential, model, self._now())

    def _note_refused(self) -> None:
        """Without the option, a stream's use is estimated, so a caller must not be able to bring that about: neither
        where the model has accepted it, nor by a body that servers may read in another way."""
        accepts = self._option_support.accepts(self._credential, self._injector.model, self._now())
        if self._injector.is_plain and not accepts:
            self._note(refused=True)

    def _note(self, *, refused: bool) -> None:
        self._option_support.note(self._credential, self._injector.model, self._now(), refused=refused)


async def _chain(held: list[bytes], pieces: AsyncIterable[bytes] | None) -> AsyncIterator[bytes]:
    for index, piece in enumerate(held):
        held[index] = b""
        yield piece
    if pieces is not None:
        async for piece in pieces:
            yield piece
