"""Server-sent events, cut out of a stream of bytes (WHATWG HTML, "Server-sent events")."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_DATA = re.compile(rb"^data:[ ]?(.*?)\r?$", re.MULTILINE)


class Event(NamedTuple):
    """``raw`` is the event as it came, with the blank line that ends it."""

    raw: bytes

    @property
    def data(self) -> bytes:
        return b"\n".join(_DATA.findall(self.raw))


class Events:
    """Holds the beginning of an event whose end has not come, up to ``most_bytes``; then it has given up for good."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._begun = b""
        self.gave_up = False

    def whole(self, chunk: bytes) -> Iterator[Event]:
        """The events that this chunk completes."""
        if self.gave_up:
            return
        # A blank line may lie across two chunks: the last bytes that are here are looked at again.
        text, start = self._begun + chunk, 0
        for end in _BLANK_LINE.finditer(text, max(0, len(self._begun) - 3)):
            yield Event(text[start : end.end()])
            start = end.end()
        self._begun = text[start:]
        if len(self._begun) > self._most_bytes:
            self.gave_up = True

    def given_up(self) -> bytes:
        """What is not held any longer because it was too much."""
        return self.rest() if self.gave_up else b""

    def rest(self) -> bytes:
        """What has begun and not ended; it is not held any longer."""
        rest, self._begun = self._begun, b""
        return rest
