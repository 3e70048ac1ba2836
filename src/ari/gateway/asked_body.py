"""The body of a request that may be asked for its usage: with the question first, without it if a server refuses it.

A large body is held as long as the process has room, so that it can be sent again; else it is rewritten as it passes.
"""

from collections.abc import AsyncIterable, AsyncIterator, Callable

from ari.gateway.request_body import SentBody
from ari.gateway.usage_injection import PADDING, Answers, Question, may_be_refusal, rewritten, rewritten_stream
from ari.integrations.model import Credential

ROOM_BYTES = 64 * 1024 * 1024
"""What one process holds of large bodies, of all requests together."""


class Room:
    """How many more bytes of large bodies may be held."""

    def __init__(self, room_bytes: int = ROOM_BYTES) -> None:
        self._free = room_bytes

    def take(self, size: int) -> bool:
        """Whether there was room for ``size`` bytes; they count until they are given back."""
        if size > self._free:
            return False
        self._free -= size
        return True

    def give_back(self, size: int) -> None:
        """They are not held any longer."""
        self._free += size


class AskedBody:
    """One request's body. ``read`` comes first, ``close`` last."""

    def __init__(self, answers: Answers, room: Room, credential: Credential, now: Callable[[], float]) -> None:
        self._answers = answers
        self._room = room
        self._credential = credential
        self._now = now
        self._taken_bytes = 0
        self._whole: bytes | None = None
        self._rest: AsyncIterable[bytes] | None = None
        self._length: int | None = None
        self._question = Question(self._refuses)
        self._without_question = False

    @property
    def hides(self) -> bool:
        """Whether ARI asked and the caller did not: what only answers the question must not pass."""
        return self._question.asked

    async def read(self, sent: SentBody, at_end: Callable[[], None]) -> None:
        """Take the body from the caller, all of it if there is room. Raises ``BodyFault``, ``ClientGone``."""
        self._length = sent.length
        if sent.whole is not None:
            self._whole = sent.whole
            return
        pieces, held = sent.pieces(at_end), []
        async for piece in pieces:
            held.append(piece)
            if not self._room.take(len(piece)):
                self._rest = _chain(held, pieces)
                return
            self._taken_bytes += len(piece)
        self._whole = b"".join(held)

    def next(self, headers: list[tuple[str, str]]) -> bytes | AsyncIterator[bytes] | None:
        """The body to send now, in chunks if it came so. Adds its length to the headers unless the client does."""
        if self._rest is not None:
            rest, self._rest = self._rest, None
            if self._length is not None:
                headers.append(("content-length", str(self._length + PADDING)))
            return rewritten_stream(self._question, rest, self._length)
        body = self._whole
        if body and not self._without_question:
            self._question, body = rewritten(body, self._refuses)
        if not body:
            return None
        return body if self._length is not None else _chain([body], None)

    def was_taken(self) -> None:
        """A good response began: nothing needs to be sent again."""
        if self._question.asked:
            self._note(refused=False)
        elif self._without_question:
            self._note(refused=True)
        self.close()

    def was_refused(self, status: int, error: bytes | None) -> bool:
        """Whether to send the body again, now without the question; ``error`` is the response's body, if it was read.

        Where a server's error names the question, its next requests are not asked, also if this one is gone.
        """
        if not self._question.asked:
            return False
        takes = self._answers.takes(self._credential, self._question.model, self._now())
        if may_be_refusal(status, error, takes=True):
            self._note(refused=True)
        elif not may_be_refusal(status, error, takes):
            return False
        if self._whole is None:
            return False
        model = self._question.model
        self._question = Question(self._refuses)
        self._question.model = model
        self._without_question = True
        return True

    @property
    def is_gone(self) -> bool:
        """Whether the server refused the question, and the body was too large to be held."""
        return self._question.asked and self._whole is None and self._refuses(self._question.model)

    def close(self) -> None:
        """Let go of the body."""
        self._room.give_back(self._taken_bytes)
        self._taken_bytes = 0
        self._whole = None

    def _refuses(self, model: str) -> bool:
        return self._answers.refuses(self._credential, model, self._now())

    def _note(self, *, refused: bool) -> None:
        self._answers.note(self._credential, self._question.model, self._now(), refused=refused)


async def _chain(held: list[bytes], pieces: AsyncIterable[bytes] | None) -> AsyncIterator[bytes]:
    for index, piece in enumerate(held):
        held[index] = b""
        yield piece
    if pieces is not None:
        async for piece in pieces:
            yield piece
