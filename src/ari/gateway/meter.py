"""Reads off an answer what was used, while it passes; never holds it up, never holds much of it (security.md 37).

In whose manner an answer tells it is one file each: ``meter_openai.py``, ``meter_anthropic.py``, ``meter_gemini.py``.
"""

from collections.abc import Callable
from typing import Protocol

from ari.gateway import meter_anthropic, meter_gemini, meter_openai
from ari.gateway.events import Event, Events
from ari.integrations.model import Meter as Manner
from ari.usage.ai import NOTHING_TOLD, Told

MOST_HELD = 1024 * 1024
"""An answer, or one event of a stream, that is longer is not read."""

Reader = Callable[[bytes, Told], Told]
"""What one JSON document adds to what is known. Never raises: what it cannot read tells nothing."""
_READERS: dict[Manner, Reader] = {
    "openai": meter_openai.read,
    "anthropic": meter_anthropic.read,
    "gemini": meter_gemini.read,
}

_LAST = (b"data: [DONE]", b"event: message_stop", b"event: response.completed")


class Meter(Protocol):
    """Sees an answer pass; ``saw_end``: all of it has, whoever hung up then."""

    saw_end: bool

    def see(self, chunk: bytes) -> None: ...

    def told(self) -> Told:
        """What is known once the answer has ended."""


class NoMeter:
    """For answers that tell nothing that we could read."""

    saw_end = False

    def see(self, chunk: bytes) -> None:
        """Nothing to see."""

    def told(self) -> Told:
        return NOTHING_TOLD


class DocumentMeter:
    """For an answer that is one JSON document."""

    saw_end = False

    def __init__(self, read: Reader) -> None:
        self._read = read
        self._chunks: list[bytes] = []
        self._room = MOST_HELD

    def see(self, chunk: bytes) -> None:
        self._room -= len(chunk)
        if self._room >= 0:
            self._chunks.append(chunk)
        else:
            self._chunks.clear()

    def told(self) -> Told:
        return self._read(b"".join(self._chunks), NOTHING_TOLD) if self._chunks else NOTHING_TOLD


class StreamMeter:
    """For server-sent events: only those that speak of usage or a model are read."""

    def __init__(self, read: Reader) -> None:
        self._read = read
        self._events = Events(MOST_HELD)
        self._told = NOTHING_TOLD
        self.saw_end = False
        """Whether the event came with which such streams end: many callers hang up at it."""

    def see(self, chunk: bytes) -> None:
        for event in self._events.whole(chunk):
            self.see_event(event)

    def see_event(self, event: Event) -> None:
        """As ``see``, for an event that is whole already."""
        if b"sage" in event.raw:  # usage, usageMetadata
            self._told = self._read(event.data, self._told)
        self.saw_end = self.saw_end or event.raw.startswith(_LAST)

    def told(self) -> Told:
        return self._told


def meter_for(manner: Manner | None, media_type: bytes, encoded: bool) -> Meter:
    """What fits an answer; ``encoded``: it came compressed although that was not asked for."""
    read = None if manner is None or encoded else _READERS[manner]
    if read is None:
        return NoMeter()
    if media_type == b"text/event-stream":
        return StreamMeter(read)
    return DocumentMeter(read) if media_type == b"application/json" else NoMeter()
