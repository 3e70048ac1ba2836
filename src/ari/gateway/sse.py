"""Server-sent events, read as they pass, byte by byte if they come so (WHATWG HTML, "Server-sent events").

A stream passes at once and unchanged, but for events that its reader takes out. An event that may have to be taken out
is held until its reader can decide; comments, blank lines and all other events are never held.
"""

import re
from collections.abc import Callable
from enum import Enum, auto

from ari.gateway.json_members import SMALL_BYTES, JsonDocument

_LINE_END = re.compile(rb"\r\n|\n|\r")
_MAX_FIELD_BYTES = 64
"""Of a line other than data, so much is looked at: enough for the name of an event."""

OnEvent = Callable[[bytes, JsonDocument], bool | bytes]
"""Called with the event's name and its data when it ends; returns whether to take it out, or the bytes to send in its
place."""
MayTakeOut = Callable[[JsonDocument], bool]
"""Whether an event whose data began like this may be one to take out."""
FindNeeded = Callable[[bytes, int], int | None]
"""Takes whole events and an offset, and returns the offset from there on that ``OnEvent`` needs to see, at most their
length; ``None`` if that depends on the next event."""


class _Line(Enum):
    UNKNOWN = auto()
    COMMENT = auto()
    DATA = auto()
    OTHER = auto()


class EventReader:
    """Reads the events of one stream. Holds at most ``SMALL_BYTES`` and a chunk."""

    def __init__(
        self, on_event: OnEvent, may_take_out: MayTakeOut | None = None, find_needed: FindNeeded = lambda _, at: at
    ) -> None:
        self._on_event = on_event
        self._may_take_out = may_take_out
        self._find_needed = find_needed
        self._passed = bytearray()
        self._held = bytearray()
        self._released = False
        """This event passes, whatever it is."""
        self._took_out = False
        """The event before was taken out; a line feed may still belong to its end."""
        self._after_return = False
        self._line = bytearray()
        self._kind = _Line.UNKNOWN
        self._strips_space = False
        self._name = b""
        self._data: JsonDocument | None = None
        self._has_fields = False

    def feed(self, chunk: bytes) -> bytes:
        """Take the next chunk; returns what may pass now."""
        if chunk[-2:] == b"\n\n" and self._is_between_events and b"\r" not in chunk:
            needed = self._find_needed(chunk, 0)
            if needed == len(chunk):
                return chunk
            self._read_whole_events(chunk, needed)
        else:
            self._read_lines(chunk)
        self._release_what_cannot_be_taken_out()
        passed = bytes(self._passed)
        self._passed.clear()
        return passed

    @property
    def _is_between_events(self) -> bool:
        return not (self._has_fields or self._line or self._held or self._after_return) and self._kind is _Line.UNKNOWN

    def _read_whole_events(self, chunk: bytes, needed: int | None) -> None:
        """Events that begin and end in this chunk: most streams send each in one piece (a third of the time)."""
        at = 0
        while at < len(chunk):
            if needed is not None:
                blank = chunk.rfind(b"\n\n", at, needed)
                begin = len(chunk) if needed >= len(chunk) else at if blank < 0 else blank + 2
                self._passed += chunk[at:begin]
                for event in chunk[begin:-2].split(b"\n\n") if begin < len(chunk) else ():
                    self._read_whole_event(event)
                return
            end = chunk.find(b"\n\n", at)
            if end < 0:
                self._read_lines(chunk[at:])  # a third line feed after the last event
                return
            self._read_whole_event(chunk[at:end])
            at = end + 2
            needed = self._find_needed(chunk, at)

    def _read_whole_event(self, event: bytes) -> None:
        name, data = b"", event
        if event[:7] == b"event: ":
            name, _, data = event[7:].partition(b"\n")
        if data[:5] != b"data:" or b"\n" in data:
            self._read_lines(event + b"\n\n")
            return
        document = JsonDocument()
        if value := data[5:].removeprefix(b" "):
            document.add(value)
        taken = self._on_event(name, document)
        if isinstance(taken, bytes):
            self._passed += taken
        elif not taken:
            self._passed += event + b"\n\n"

    def _read_lines(self, chunk: bytes) -> None:
        at = 0
        if self._after_return and chunk:
            self._after_return = False
            if chunk[:1] == b"\n":
                at = 1
                if not self._took_out:
                    self._put(b"\n")
        for end in _LINE_END.finditer(chunk, at):
            if end.start() > at:
                self._read(chunk[at : end.start()])
            self._end_line(end[0])
            at = end.end()
            self._after_return = end[0] == b"\r" and at == len(chunk)
        if at < len(chunk):
            self._read(chunk[at:])

    def finish(self) -> bytes:
        """At the end of the stream: read an event that lacks its blank line; returns what is still held."""
        if self._kind is _Line.UNKNOWN and self._line:
            self._classify(at_end=True)
        if self._has_fields:
            self._end_event()
        passed = bytes(self._passed + self._held)
        self._passed.clear()
        self._held.clear()
        return passed

    def _put(self, part: bytes) -> None:
        """Pass on a part, after what is held before it."""
        if self._held or (self._may_take_out is not None and self._has_fields and not self._released):
            self._held += part
        else:
            self._passed += part

    def _read(self, part: bytes) -> None:
        """A part of a line, without its end."""
        if self._kind is _Line.UNKNOWN:
            self._line += part
            self._classify(at_end=False)
            self._put(part)
            return
        self._put(part)
        if self._kind is _Line.DATA and self._data is not None:
            self._add_data(part)
        elif self._kind is _Line.OTHER and len(self._line) < _MAX_FIELD_BYTES:
            self._line += part[:_MAX_FIELD_BYTES]

    def _classify(self, *, at_end: bool) -> None:
        """Find out what line has begun, which is not empty."""
        line = bytes(self._line)
        if line[:1] == b":":
            self._kind = _Line.COMMENT
            return
        self._has_fields = True
        if line.startswith(b"data:") or (at_end and line == b"data"):
            self._kind = _Line.DATA
            self._begin_data(line[5:])
            self._line.clear()
        elif at_end or b":" in line or len(line) >= 5:
            self._kind = _Line.OTHER

    def _begin_data(self, value: bytes) -> None:
        if self._data is None:
            self._data = JsonDocument()
        else:
            self._data.add(b"\n")
        self._strips_space = True
        self._add_data(value)

    def _add_data(self, part: bytes) -> None:
        if part and self._strips_space:
            self._strips_space = False
            part = part.removeprefix(b" ")
        if part and self._data is not None:
            self._data.add(part)

    def _end_line(self, end: bytes) -> None:
        if self._kind is _Line.UNKNOWN and self._line:
            self._classify(at_end=True)
        line, kind = bytes(self._line), self._kind
        self._line.clear()
        self._kind = _Line.UNKNOWN
        self._took_out = False
        self._put(end)
        if kind is _Line.OTHER:
            field, _, value = line.partition(b":")
            if field == b"event":
                self._name = value.removeprefix(b" ")
            elif field == b"error":
                self._name = b"error"  # llama.cpp
        elif kind is _Line.UNKNOWN and self._has_fields:
            self._end_event()

    def _end_event(self) -> None:
        data = self._data or JsonDocument()
        takes_out = self._on_event(self._name, data)
        if takes_out and not self._released:
            self._held[:] = takes_out if isinstance(takes_out, bytes) else b""
            self._took_out = True
        self._passed += self._held
        self._held.clear()
        self._name, self._data = b"", None
        self._has_fields = self._released = False

    def _release_what_cannot_be_taken_out(self) -> None:
        if self._may_take_out is None or not self._held or self._released:
            return
        if len(self._held) > SMALL_BYTES or (self._data is not None and not self._may_take_out(self._data)):
            self._released = True
            self._passed += self._held
            self._held.clear()
