"""The few members of a JSON document that say what was used, of documents of any size and in bounded memory.

A small document is decoded at once. A large one, or one that a strict decoder refuses (``NaN``, thousands of levels),
is walked chunk by chunk, and only the members that are looked for are kept.
"""

import json
from collections.abc import Callable
from typing import Any

import msgspec

from ari.gateway.json_walk import JsonPart, JsonSpan, JsonWalker

Members = dict[str, Any]
"""The JSON text of each member, as bytes; of a nested object that was walked, its members."""

SMALL_BYTES = 64 * 1024
"""Up to this size a document is held whole."""
MAX_VALUE_BYTES = 16 * 1024
"""The largest value that is kept of a document that is walked."""
TOO_LARGE = b"?"
"""In place of a value that was not kept; no JSON, so it reads as unknown."""

_KEPT = frozenset(
    (
        "candidates",
        "choices",
        "delta",
        "done",
        "error",
        "eval_count",
        "model",
        "modelVersion",
        "object",
        "promptFeedback",
        "prompt_eval_count",
        "service_tier",
        "status",
        "type",
        "usage",
        "usageMetadata",
        "x_groq",
    )
)
_NESTED = frozenset(("message", "response"))

_LINE_ENDS = (b"\n", b"\r")
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_objects = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_UNREADABLE = (ValueError, RecursionError)  # MsgspecError is a ValueError, and so are errors of json and of UTF-8


class MemberReader:
    """Reports the kept members of each object in a sequence of JSON documents, or in one array of them."""

    def __init__(self, report: Callable[[Members], None], depth: int = 0) -> None:
        self._report = report
        self._depth = depth
        self._walker = JsonWalker()
        self._members: Members = {}
        self._value: bytearray | None = None
        self._child: MemberReader | None = None
        self._skips_line = False

    def feed(self, data: bytes) -> None:
        """Take the next chunk."""
        at = 0
        while at < len(data):
            if self._skips_line:
                at = data.find(b"\n", at) + 1
                if not at:
                    return
                self._skips_line = False
            at = self._read_lines(data, at)
            for span in self._walker.walk(data, at):
                at = span.end
                if span.kind is JsonPart.VALUE:
                    self._take(data, span)
            if self._walker.done:
                self._finish(True)
            elif self._walker.bad:
                # The next line may be a document of its own.
                self._finish(False)
                self._skips_line = True
            else:
                return

    def _read_lines(self, data: bytes, at: int) -> int:
        """Decode documents that are one line each, much faster than by walking; returns where to go on."""
        if self._depth or self._walker.started:
            return at
        while True:
            while data[at : at + 1] in _LINE_ENDS:
                at += 1
            end = data.find(b"\n", at)
            if end < 0 or data[at : at + 1] != b"{":
                return at
            try:
                members = _object.decode(data[at:end])
            except _UNREADABLE:
                return at
            if members:
                self._report(members)
            at = end + 1

    def _finish(self, whole: bool) -> None:
        members = self._members
        self._walker, self._members, self._value, self._child = JsonWalker(), {}, None, None
        if whole and members:
            self._report(members)

    def _take(self, data: bytes, span: JsonSpan) -> None:
        if span.begins:
            self._begin(data[span.start])
        if self._child is not None:
            self._child.feed(data[span.start : span.end])
        elif self._value is not None:
            room = MAX_VALUE_BYTES + 1 - len(self._value)
            self._value += data[span.start : min(span.end, span.start + room)]
        if not span.ends:
            return
        if self._value is not None and self._walker.key is not None:
            large = len(self._value) > MAX_VALUE_BYTES
            self._members[self._walker.key] = TOO_LARGE if large else bytes(self._value)
        self._child = self._value = None

    def _begin(self, first: int) -> None:
        key = self._walker.key
        if self._walker.is_array:
            if self._depth == 0 and first in b"{":
                self._child = MemberReader(self._report, 1)
        elif key in _KEPT:
            self._value = bytearray()
        elif key in _NESTED and self._depth < 2 and first in b"{":
            nested: Members = {}
            self._members[key] = nested
            self._child = MemberReader(nested.update, 2)


class JsonDocument:
    """One piece of text that should be JSON, such as a response or the data of an event, in chunks of any size."""

    __slots__ = ("_condenser", "_documents", "_parts", "size")

    def __init__(self) -> None:
        self.size = 0
        self._parts: list[bytes] = []
        self._documents: list[Members] = []
        self._condenser: MemberReader | None = None

    def add(self, part: bytes) -> None:
        """Take the next part."""
        self.size += len(part)
        if self._condenser is not None:
            self._condenser.feed(part)
            return
        self._parts.append(part)
        if self.size > SMALL_BYTES:
            self._condenser = MemberReader(self._documents.append)
            self._condenser.feed(b"".join(self._parts).removeprefix(b"\xef\xbb\xbf"))
            self._parts.clear()

    def take(self) -> list[Members]:
        """The documents that have ended, of a record too large to be held; they are not returned again."""
        found = list(self._documents)
        self._documents.clear()
        return found

    @property
    def text(self) -> bytes | None:
        """All of it; ``None`` if it was too large to be held."""
        if self._condenser is not None:
            return None
        if len(self._parts) > 1:
            self._parts = [b"".join(self._parts)]
        return self._parts[0] if self._parts else b""

    def documents(self) -> list[Members]:
        """The objects in it that have ended."""
        text = self.text
        return self.take() if text is None else documents_in(text)


def documents_in(text: bytes) -> list[Members]:
    """The objects in a text that is one JSON document, several one after the other, or one array of them."""
    text = text.removeprefix(b"\xef\xbb\xbf").lstrip()
    try:
        return list(_objects.decode(text)) if text[:1] == b"[" else [_object.decode(text)]
    except _UNREADABLE:
        found: list[Members] = []
        MemberReader(found.append).feed(text)
        return found


def get_nested(members: Members, key: str) -> Members | None:
    """The members of an object in another."""
    value = members.get(key)
    if value is None or isinstance(value, dict):
        return value
    try:
        return _object.decode(value)
    except _UNREADABLE:
        return None


def value_of(members: Members, key: str) -> Any:
    """The value of a member; ``None`` where there is none, or none that can be read."""
    raw = members.get(key)
    if raw is None or isinstance(raw, dict):
        return raw
    try:
        return msgspec.json.decode(raw)
    except _UNREADABLE:
        pass
    try:
        return json.loads(bytes(raw))  # Takes NaN and Infinity.
    except _UNREADABLE:
        return None


def has(members: Members, key: str) -> bool:
    """Whether there is such a member, and it is not null. One that was too large to be kept is there."""
    raw = members.get(key)
    return raw is not None and (isinstance(raw, dict) or bytes(raw).strip() != b"null")
