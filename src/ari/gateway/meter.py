"""Reads token usage from a response while it passes, without delaying or buffering it (security.md 37).

Each format is one file: ``meter_openai.py``, ``meter_anthropic.py``, ``meter_gemini.py``, ``meter_ollama.py``. The
content selects the format, not the provider, since most providers support several.
"""

import re
from typing import Protocol

from ari.gateway import meter_anthropic, meter_gemini, meter_ollama, meter_openai
from ari.gateway.json_members import JsonDocument, Members, has, value_of
from ari.gateway.reading import UsageReading
from ari.gateway.sse import EventReader
from ari.usage.ai import UNKNOWN_USAGE, TokenUsage

_WORTH_READING = re.compile(rb'"(?:usage|usageMetadata|x_groq|error|done|message_\w+|response\.\w+)"')
_UNREAD = (b"audio/", b"image/", b"video/", b"font/", b"multipart/")
_FIRST_OF_EVENTS = b"deir:"
"""First bytes of ``data``, ``event``, ``id``, ``retry`` and comments."""
_A_CHOICE = re.compile(rb'"choices"\s*:\s*\[\s*[^\]\s]')
_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
_MAX_EVENTS_FOR_MODEL = 10
"""How many events are searched for the name of the model."""


class Meter(Protocol):
    """Sees a response pass."""

    @property
    def ended(self) -> bool:
        """Whether the response announced its own end. Many callers disconnect then."""

    @property
    def failed(self) -> bool:
        """Whether the response reports an error."""

    @property
    def unfinished(self) -> bool:
        """Whether the end that the format requires is missing."""

    def see(self, chunk: bytes) -> bytes:
        """Take the next chunk and return the bytes to send now."""

    def finish(self) -> bytes:
        """End the response and return the bytes held back."""

    def usage(self, whole: bool) -> TokenUsage:
        """The usage, after ``finish``. ``whole``: the response is complete."""


class NoMeter:
    """For responses that report no usage."""

    ended = failed = unfinished = False

    def see(self, chunk: bytes) -> bytes:
        return chunk

    def finish(self) -> bytes:
        return b""

    def usage(self, whole: bool) -> TokenUsage:  # noqa: ARG002 - as every meter
        return UNKNOWN_USAGE


class _Reader:
    """Base of the JSON and event meters."""

    def __init__(self) -> None:
        self.reading = UsageReading()

    @property
    def ended(self) -> bool:
        return self.reading.ended

    @property
    def failed(self) -> bool:
        return self.reading.failed

    @property
    def unfinished(self) -> bool:
        return self.reading.must_end and not self.reading.ended

    def usage(self, whole: bool) -> TokenUsage:
        return self.reading.usage(whole)


class JsonMeter(_Reader):
    """For JSON: one document, several in sequence (NDJSON), or an array."""

    def __init__(self) -> None:
        super().__init__()
        self._record = JsonDocument()

    def see(self, chunk: bytes) -> bytes:
        self._record.add(chunk)
        for members in self._record.take():
            read(members, self.reading)
        return chunk

    def finish(self) -> bytes:
        for members in self._record.documents():
            read(members, self.reading)
        self._record = JsonDocument()
        return b""


class EventMeter(_Reader):
    """For server-sent events. ``hides``: removes the event that only reports usage, or the usage from it."""

    def __init__(self, hides: bool) -> None:
        super().__init__()
        self._hides = hides
        self._events = EventReader(self._see_event, _may_only_report_usage if hides else None, self._find_needed)
        self._searched = 0

    def see(self, chunk: bytes) -> bytes:
        passed = self._events.feed(chunk)
        return passed if self._hides else chunk

    def finish(self) -> bytes:
        held = self._events.finish()
        return held if self._hides else b""

    def _see_event(self, name: bytes, data: JsonDocument) -> bool | bytes:
        """Read an event. Returns whether to remove it, or the event to send in its place."""
        text = data.text
        if name == b"error":
            self.reading.failed = True
        if text is not None and not self._is_worth_reading(text):
            return False
        found = data.documents()
        for members in found:
            read(members, self.reading)
        if not self._hides or text is None or len(found) != 1 or not meter_openai.adds_usage(found[0]):
            return False
        rest = meter_openai.without_usage(found[0])
        return True if rest is None else (b"event: " + name + b"\n" if name else b"") + b"data: " + rest + b"\n\n"

    def _find_needed(self, events: bytes, start: int) -> int | None:
        """Where there is something to read. Takes 1 µs for an event that has nothing, reading it takes 8."""
        if self.reading.model is None and self._searched < _MAX_EVENTS_FOR_MODEL:
            return None
        found = _WORTH_READING.search(events, start)
        needed = len(events) if found is None else found.start()
        for mark in (b"error", b"[DONE]"):
            at = events.find(mark, start, needed)
            needed = needed if at < 0 else at
        return needed

    def _is_worth_reading(self, text: bytes) -> bool:
        if text[:6] == b"[DONE]":
            self.reading.end()
            return False
        if self.reading.model is None and self._searched < _MAX_EVENTS_FOR_MODEL:
            self._searched += 1
            return True
        return _WORTH_READING.search(text) is not None


def _may_only_report_usage(data: JsonDocument) -> bool:
    """Whether an event that begins like this may have no choices."""
    text = data.text
    if text is None:
        return False
    return text.lstrip(_BLANK)[:1] in (b"", b"{") and _A_CHOICE.search(text) is None


class ContentMeter:
    """Chooses the meter by the first byte, since not every server labels its streams."""

    def __init__(self, is_events: bool, hides: bool) -> None:
        self._is_events = is_events
        self._hides = hides
        self._meter: Meter | None = None
        self._mark = b""

    @property
    def ended(self) -> bool:
        return self._meter is not None and self._meter.ended

    @property
    def failed(self) -> bool:
        return self._meter is not None and self._meter.failed

    @property
    def unfinished(self) -> bool:
        return self._meter is not None and self._meter.unfinished

    def see(self, chunk: bytes) -> bytes:
        if self._meter is not None:
            return self._meter.see(chunk)
        text = (self._mark + chunk).lstrip(_BLANK)
        if _BOM.startswith(text):
            self._mark = text
            return chunk
        text = text.removeprefix(_BOM).lstrip(_BLANK)[-len(chunk) :]
        if not text:
            return chunk
        self._meter = self._decide(text[0])
        return chunk[: len(chunk) - len(text)] + self._meter.see(text)

    def _decide(self, first: int) -> Meter:
        if first in b"{[":
            return JsonMeter()
        return EventMeter(self._hides) if self._is_events or first in _FIRST_OF_EVENTS else NoMeter()

    def finish(self) -> bytes:
        return b"" if self._meter is None else self._meter.finish()

    def usage(self, whole: bool) -> TokenUsage:
        return UNKNOWN_USAGE if self._meter is None else self._meter.usage(whole)


def meter_for(media_type: bytes, encoded: bool, hides: bool = False) -> Meter:
    """The meter for a response. ``encoded``: it is compressed, although ARI requested it uncompressed.

    ``hides``: remove an event that only reports usage, since the caller did not request it.
    """
    if encoded or media_type.startswith(_UNREAD):
        return NoMeter()
    return ContentMeter(media_type == b"text/event-stream", hides)


def read(members: Members, reading: UsageReading) -> None:
    """Read one document or event of any format."""
    if members.get("usageMetadata") is not None or "modelVersion" in members:
        meter_gemini.read(members, reading)
    elif meter_ollama.MARKS.intersection(members):
        meter_ollama.read(members, reading)
    elif _is_anthropic(members):
        meter_anthropic.read(members, reading)
    else:
        meter_openai.read(members, reading)
    if _reports_error(members):
        reading.failed = True


def _is_anthropic(members: Members) -> bool:
    if value_of(members, "type") in meter_anthropic.TYPES:
        return True
    usage = value_of(members, "usage") if "choices" not in members and "object" not in members else None
    return isinstance(usage, dict) and "input_tokens" in usage and "cache_read_input_tokens" in usage


def _reports_error(members: Members) -> bool:
    """Whether a document reports an error in any format, or is a response with status ``failed``."""
    return (
        has(members, "error")
        or value_of(members, "type") == "error"
        or value_of(members, "object") == "error"
        or (value_of(members, "status") == "failed" and value_of(members, "object") == "response")
    )
