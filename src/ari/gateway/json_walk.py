"""Walks the members of one JSON object or array that arrives in chunks of any size, without building or holding values.

A parser that builds values, or reports every token (ijson), spends about a microsecond on each number of an embedding.
This one jumps from quote to quote and counts brackets, so its time depends on the strings that a document has.
Syntax is checked only as far as needed to separate members.
"""

import json
import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

_QUOTE, _BACKSLASH, _COLON, _COMMA = b'"\\:,'
_SPACE = re.compile(rb"[ \t\r\n]*+")
_SPACE_AND_COMMAS = re.compile(rb"[ \t\r\n,]*+")
_SCALAR = re.compile(rb"[^\s,\[\]{}\":]*+")
_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_WHOLE_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_MAX_LEAP_LEVELS = 64
_PLAIN_GAPS = frozenset((b":", b",", b": ", b", "))
MAX_MEMBERS = 2_000
"""A larger object is not one of a provider's; walking millions of members would cost seconds."""
MAX_KEY_BYTES = 100
"""A longer key is not one that anyone looks for; it is walked over without being kept."""


class ValueEnd:
    """Finds the end of one JSON value."""

    __slots__ = ("_escaped", "_in_string", "_nest", "_scalar")

    def begin(self, first: int) -> None:
        """Start with the value's first byte."""
        self._in_string = first == _QUOTE
        self._nest = 1 if first in b"[{" else 0
        self._scalar = not self._in_string and not self._nest
        self._escaped = False

    def find(self, data: bytes, at: int) -> int:
        """The index after the value, or -1 if it goes on after ``data``; ``at`` is after what was seen already."""
        if self._scalar:
            found = _SCALAR.match(data, at)
            return found.end() if found and found.end() < len(data) else -1
        may_leap = not at and self._nest > 0
        while True:
            if self._in_string:
                at = self._string_end(data, at)
                if at < 0:
                    return -1
                self._in_string = False
                if not self._nest:
                    return at
            if may_leap and self._leap(data, at):
                return -1
            may_leap = False
            at = self._next_string(data, at)
            if at < 0 or not self._nest:
                return at
            self._in_string = True

    def _leap(self, data: bytes, at: int) -> bool:
        """Pass over a chunk in which the value cannot end, some ten times as fast as from string to string."""
        bare = _WHOLE_STRING.sub(b"", data[at:])
        quote = bare.find(b'"')
        brackets = (bare if quote < 0 else bare[:quote]).translate(None, _NO_BRACKETS)
        for _ in range(_MAX_LEAP_LEVELS):
            fewer = brackets.replace(b"[]", b"").replace(b"{}", b"")
            if len(fewer) == len(brackets):
                break
            brackets = fewer
        closing = brackets.count(b"]") + brackets.count(b"}")
        if closing >= self._nest:
            return False
        self._nest += len(brackets) - 2 * closing
        self._in_string = quote >= 0
        self._escaped = quote >= 0 and (len(data) - len(data.rstrip(b"\\"))) % 2 == 1
        return True

    def _string_end(self, data: bytes, at: int) -> int:
        if self._escaped:
            if at == len(data):
                return -1
            self._escaped = False
            at += 1
        close = data.find(b'"', at)
        if close == at or (close > at and data[close - 1] != _BACKSLASH):
            return close + 1
        found = _STRING.match(data, at)
        end = found.end() if found else at
        if end < len(data) and data[end] == _QUOTE:
            return end + 1
        self._escaped = end < len(data)
        return -1

    def _next_string(self, data: bytes, at: int) -> int:
        """The index after the next quote, or after the bracket that ends the value."""
        quote = data.find(b'"', at)
        stop = quote if quote >= 0 else len(data)
        if data[at:stop] in _PLAIN_GAPS:
            return quote + 1 if quote >= 0 else -1
        closing = data.count(b"]", at, stop) + data.count(b"}", at, stop)
        if closing < self._nest:
            self._nest += data.count(b"[", at, stop) + data.count(b"{", at, stop) - closing
        else:
            for found in _BRACKET.finditer(data, at, stop):
                self._nest += 1 if found[0] in b"[{" else -1
                if not self._nest:
                    return found.end()
        return quote + 1 if quote >= 0 else -1


class JsonPart(Enum):
    """The kinds of byte spans. ``GAP`` precedes a key or an element, ``COLON`` a value."""

    OPEN = auto()
    GAP = auto()
    KEY = auto()
    COLON = auto()
    VALUE = auto()
    CLOSE = auto()


class JsonSpan(NamedTuple):
    """``start`` ≤ index < ``end`` of the chunk; ``begins`` and ``ends``: the key or value begins or ends with it."""

    kind: JsonPart
    start: int
    end: int
    begins: bool = False
    ends: bool = False


class _State(Enum):
    BEFORE = auto()
    NEXT = auto()
    KEY = auto()
    COLON = auto()
    VALUE = auto()
    DONE = auto()
    BAD = auto()


class JsonWalker:
    """``key`` is the current member's key, decoded; ``None`` in an array, or if it is too long."""

    __slots__ = ("_begun", "_count", "_end", "_key", "_state", "is_array", "key")

    def __init__(self) -> None:
        self.key: str | None = None
        self.is_array = False
        self._state = _State.BEFORE
        self._end = ValueEnd()
        self._key = bytearray()
        self._begun = False
        self._count = 0

    @property
    def done(self) -> bool:
        """Whether the object or array has ended."""
        return self._state is _State.DONE

    @property
    def bad(self) -> bool:
        """Whether this isn't an object or array, or its members are ambiguous."""
        return self._state is _State.BAD

    @property
    def started(self) -> bool:
        """Whether anything but white space has come."""
        return self._state is not _State.BEFORE

    def walk(self, data: bytes, at: int = 0) -> Iterator[JsonSpan]:
        """The spans of ``data`` from ``at`` on, each byte in exactly one, up to the end or to where it turns bad."""
        while at < len(data) and not (self.done or self.bad):
            span = _STEPS[self._state](self, data, at)
            if span is None:
                self._state = _State.BAD
                return
            if span.end > span.start or span.ends:
                yield span
            at = span.end

    def _before(self, data: bytes, at: int) -> JsonSpan | None:
        end = _end_of(_SPACE, data, at)
        if end == len(data):
            return JsonSpan(JsonPart.GAP, at, end)
        if data[end] not in b"{[":
            return None
        self.is_array = data[end] in b"["
        self._state = _State.NEXT
        return JsonSpan(JsonPart.OPEN, at, end + 1)

    def _next(self, data: bytes, at: int) -> JsonSpan | None:
        end = _end_of(_SPACE_AND_COMMAS, data, at)
        if end > at or end == len(data):
            return JsonSpan(JsonPart.GAP, at, end)
        if data[at] in (b"]" if self.is_array else b"}"):
            self._state = _State.DONE
            return JsonSpan(JsonPart.CLOSE, at, at + 1)
        if self.is_array:
            self._state = _State.VALUE
            return self._value(data, at)
        self._count += 1
        if data[at] != _QUOTE or self._count > MAX_MEMBERS:
            return None
        self._state = _State.KEY
        self._begun = False
        return self._in_key(data, at)

    def _in_key(self, data: bytes, at: int) -> JsonSpan | None:
        begins = not self._begun
        if begins:
            self._begun = True
            self._key.clear()
            self._end.begin(_QUOTE)
        end = self._end.find(data, at + begins)
        part = data[at:] if end < 0 else data[at:end]
        if len(self._key) <= MAX_KEY_BYTES:
            self._key += part[: MAX_KEY_BYTES + 1]
        if end < 0:
            return JsonSpan(JsonPart.KEY, at, len(data), begins)
        self.key = _decode_key(bytes(self._key))
        self._state = _State.COLON
        return JsonSpan(JsonPart.KEY, at, end, begins, True)

    def _colon(self, data: bytes, at: int) -> JsonSpan | None:
        end = _end_of(_SPACE, data, at)
        if end == len(data):
            return JsonSpan(JsonPart.COLON, at, end)
        if data[end] != _COLON:
            return None
        self._state = _State.VALUE
        self._begun = False
        return JsonSpan(JsonPart.COLON, at, end + 1)

    def _value(self, data: bytes, at: int) -> JsonSpan | None:
        begins = not self._begun
        if begins:
            end = _end_of(_SPACE, data, at)
            if end > at:
                return JsonSpan(JsonPart.COLON, at, end)
            if data[at] in b",]}:":
                return None
            self._begun = True
            self._end.begin(data[at])
        end = self._end.find(data, at + begins)
        if end < 0:
            return JsonSpan(JsonPart.VALUE, at, len(data), begins)
        self._begun = False
        self._state = _State.NEXT
        return JsonSpan(JsonPart.VALUE, at, end, begins, True)


_STEPS = {
    _State.BEFORE: JsonWalker._before,
    _State.NEXT: JsonWalker._next,
    _State.KEY: JsonWalker._in_key,
    _State.COLON: JsonWalker._colon,
    _State.VALUE: JsonWalker._value,
}


def _end_of(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    found = pattern.match(data, at)
    return found.end() if found else at


def _decode_key(raw: bytes) -> str | None:
    """The key without its quotes; ``None`` where nobody could be looking for it."""
    if len(raw) > MAX_KEY_BYTES:
        return None
    try:
        return str(json.loads(raw)) if b"\\" in raw else raw[1:-1].decode()
    except ValueError:
        return None
