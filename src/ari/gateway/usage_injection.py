"""Adds ``stream_options.include_usage`` to OpenAI chat streams, in requests of any size, if the caller did not set it.

Without it such a stream does not report usage. The extra chunk that it causes is removed by the meter. All other bytes
of the request stay as they are. A server that refuses the option gets the request without it.
"""

import re
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

import msgspec
from cachetools import LRUCache

from ari.gateway.json_walk import JsonPart, JsonSpan, JsonWalker
from ari.integrations.model import Credential, Provider

_PATHS = ("/chat/completions", "/completions")
_MEMBER = b'"stream_options":'
_ADDED = b'{"include_usage":true}'
PADDING = len(_MEMBER) + len(_ADDED) + 1
"""The most bytes that the option adds to a body."""
_BLANK = b" \t\r\n"
_MAX_VALUE_BYTES = 4 * 1024
"""Of the members that are read from a body that isn't held whole."""
_WATCHED = frozenset(("model", "stream"))
_MENTION = re.compile(rb'"stream', re.IGNORECASE)
_OWN_NAMES = frozenset(("stream", "stream_options"))

REFUSED_SECONDS, ACCEPTED_SECONDS = 300.0, 3600.0
"""A refusal is forgotten soon: without the option, the usage of streams is unknown."""
_MAX_MODELS = 1_000
_REFUSALS = (400, 422)
"""Statuses of a refused option. Not every server says what it refuses."""
_OPTION = "stream_options"
_OPTION_PARAMS = (_OPTION, f"{_OPTION}.include_usage")
_OPTION_PLACES = (["body", _OPTION], ["body", _OPTION, "include_usage"])


def may_inject(provider: Provider, method: str, path: str, media_type: bytes) -> bool:
    """Whether the option may be added to this request."""
    kind = media_type.partition(b";")[0].strip().lower()
    return (
        provider.asks_usage
        and method == "POST"
        and path.endswith(_PATHS)
        and (kind in (b"", b"application/json") or kind.endswith(b"+json"))
    )


class OptionSupport:
    """Which models of which servers accept the option, remembered in one process for a while."""

    def __init__(self) -> None:
        self._known: LRUCache[tuple[str, str, str], tuple[bool, float]] = LRUCache(_MAX_MODELS)
        """Whether the option was refused, and until when this counts."""

    def refuses(self, credential: Credential, model: str, now: float) -> bool:
        """Whether this model refused the option within the last five minutes."""
        refused, until = self._known.get(_name(credential, model), (False, now))
        return refused and until > now

    def accepts(self, credential: Credential, model: str, now: float) -> bool:
        """Whether this model accepted it within the last hour."""
        refused, until = self._known.get(_name(credential, model), (True, now))
        return not refused and until > now

    def note(self, credential: Credential, model: str, now: float, *, refused: bool) -> None:
        """Remember whether the model refused the option."""
        self._known[_name(credential, model)] = refused, now + (REFUSED_SECONDS if refused else ACCEPTED_SECONDS)


def _name(credential: Credential, model: str) -> tuple[str, str, str]:
    return credential.provider.name, credential.origin, model


def may_be_refusal(status: int, body: bytes | None, accepts: bool) -> bool:
    """Whether an error may be about the option: it is a refusal of it, or the server has never accepted it."""
    return status in _REFUSALS and (not accepts or is_refusal(status, body))


def is_refusal(status: int, body: bytes | None) -> bool:
    """Whether an error refuses exactly the option, in OpenAI's form (``param``) or FastAPI's (``loc``).

    A message that only mentions it may quote the caller.
    """
    if status not in _REFUSALS or body is None:
        return False
    try:
        found = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return False
    if not isinstance(found, dict):
        return False
    inner, details = found.get("error"), found.get("detail")
    errors = [found, inner] if isinstance(inner, dict) else [found]
    if any(error.get("param") in _OPTION_PARAMS for error in errors):
        return True
    places = [one.get("loc") for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    return any(place in _OPTION_PLACES for place in places)


class _Chat(msgspec.Struct):
    model: str = ""
    stream: bool | None = None


_chats = msgspec.json.Decoder(_Chat)


class UsageInjector:
    """Rewrites one body, in chunks of any size. ``model``, ``set_by_caller`` and ``is_plain`` are known at its end.

    ``is_plain``: no member's name begins like ``stream`` or ``stream_options``, or repeats one of them.

    ``refuses`` says whether a model is known to refuse the option; such a body stays unchanged. So does one whose
    ``stream_options`` are longer than ``max_value_bytes``.
    """

    def __init__(self, refuses: Any, max_value_bytes: int = _MAX_VALUE_BYTES) -> None:
        self._refuses = refuses
        self._max_value_bytes = max_value_bytes
        self._walker = JsonWalker()
        self._gap = b""
        self._key = b""
        self._cut: bytearray | None = None
        """A member ``stream_options`` taken out of the body, to be written again at its end."""
        self._options: bytes | None = None
        self._wrote_member = False
        self._value = bytearray()
        self._streams = False
        self._gave_up = False
        self.model = ""
        self.injected = False
        self.set_by_caller = False
        self.is_plain = True
        self._seen: set[str] = set()

    def rewrite_plain(self, body: bytes) -> bytes | None:
        """The same for a whole body that names ``stream`` at most once, in a tenth of the time; else ``None``."""
        mentions = len(_MENTION.findall(body))
        if mentions > 1 or mentions != body.count(b'"stream') or b"\\u" in body:
            return None
        if not mentions:
            return body
        try:
            chat = _chats.decode(body)
        except (ValueError, RecursionError):
            return None
        self.model = chat.model
        if not chat.stream or self._refuses(chat.model):
            return body
        self.injected = True
        members = body[: body.rindex(b"}")].rstrip(_BLANK)
        return members + b"," + _MEMBER + _ADDED + body[len(members) :]

    def feed(self, data: bytes) -> bytes:
        """Take the next chunk and return the bytes to send now."""
        out, at, spans = bytearray(), 0, self._walker.walk(data)
        while not self._gave_up and (span := next(spans, None)) is not None:
            at = span.end
            self._take(span, data[span.start : at], out)
        if self._walker.bad:
            self._give_up(out)
        return bytes(out) + data[at:]

    def finish(self) -> bytes:
        """The bytes still held when a body breaks off."""
        out = bytearray()
        self._give_up(out)
        return bytes(out)

    def _give_up(self, out: bytearray) -> None:
        self._gave_up = True
        if self._options is not None:
            self._write_options(self._options, out)
        out += self._cut if self._cut is not None else self._gap + self._key
        self._gap = self._key = b""
        self._cut = None

    def _take(self, span: JsonSpan, part: bytes, out: bytearray) -> None:
        if span.kind is JsonPart.GAP:
            self._gap += part
        elif span.kind is JsonPart.KEY:
            self._key += part
            if span.ends:
                self._begin_member(out)
        elif span.kind is JsonPart.CLOSE:
            self._close(out)
            out += self._gap + part
            self._gap = b""
        elif span.kind is JsonPart.OPEN:
            out += self._gap + part
            self._gap = b""
            self._gave_up = self._walker.is_array
        elif self._cut is not None:
            self._cut += part
            if span.kind is JsonPart.VALUE:
                self._take_options(self._cut, part, span, out)
        else:
            out += part
            if span.kind is JsonPart.VALUE and self._walker.key in _WATCHED:
                self._watch(part, span)

    def _begin_member(self, out: bytearray) -> None:
        member, name = self._gap + self._key, self._walker.key or ""
        if name.casefold().startswith("stream"):
            self.is_plain = self.is_plain and name in _OWN_NAMES and name not in self._seen
            self._seen.add(name)
        if name == _OPTION:
            self._cut = bytearray(member)
        else:
            self._write(member, out)
        self._gap = self._key = b""

    def _write(self, member: bytes, out: bytearray) -> None:
        # The comma before it belonged to a member that was cut.
        cut_comma = self._options is not None and not self._wrote_member
        out += member.replace(b",", b"", 1) if cut_comma else member
        self._wrote_member = True

    def _watch(self, part: bytes, span: JsonSpan) -> None:
        if span.begins:
            self._value.clear()
        if len(self._value) <= self._max_value_bytes:
            self._value += part
        if span.ends:
            if self._walker.key == "stream":
                self._streams = self._value.strip() == b"true"
            else:
                self.model = _text(bytes(self._value))

    def _take_options(self, cut: bytearray, part: bytes, span: JsonSpan, out: bytearray) -> None:
        if span.begins:
            self._value.clear()
        self._value += part
        if len(self._value) > self._max_value_bytes:
            self._give_up(out)
        elif span.ends:
            options = _object(bytes(self._value))
            self.set_by_caller = options is not None and bytes(options.get("include_usage", b"")) == b"true"
            if options is None or self.set_by_caller:
                # Leave the option where it is if the caller set it, or if it is not an object.
                self._write(bytes(cut), out)
                self._gave_up = not self.set_by_caller
            else:
                self._options = bytes(self._value)
            self._cut = None

    def _close(self, out: bytearray) -> None:
        options = self._options
        if self._streams and not self.set_by_caller and not self._gave_up and not self._refuses(self.model):
            self.injected = True
            members = {} if options is None else (_object(options) or {})
            options = msgspec.json.encode({**members, "include_usage": True})
        if options is not None:
            self._write_options(options, out)

    def _write_options(self, options: bytes, out: bytearray) -> None:
        out += (b"," if self._wrote_member else b"") + _MEMBER + options
        self._wrote_member = True
        self._options = None


def inject(body: bytes, refuses: Any) -> tuple[UsageInjector, bytes]:
    """The body with the question added, or the very same where there is nothing to ask."""
    question = UsageInjector(refuses, max(len(body), _MAX_VALUE_BYTES))
    changed = question.rewrite_plain(body)
    if changed is None:
        changed = question.feed(body) + question.finish()
    return question, changed if question.injected else body


async def inject_stream(
    question: UsageInjector, pieces: AsyncIterable[bytes], length: int | None
) -> AsyncIterator[bytes]:
    """The same for a body too large to hold.

    One whose length was announced is filled up with spaces, which JSON allows: it is always ``PADDING`` longer.
    """
    sent = 0
    async for piece in pieces:
        changed = question.feed(piece)
        sent += len(changed)
        if changed:
            yield changed
    rest = question.finish()
    if length is not None:
        rest += b" " * (length + PADDING - sent - len(rest))
    if rest:
        yield rest


def _object(raw: bytes) -> dict[str, msgspec.Raw] | None:
    """An object's members; of ``null``, none."""
    try:
        return msgspec.json.decode(raw, type=dict[str, msgspec.Raw] | None) or {}
    except (ValueError, RecursionError):
        return None


def _text(raw: bytes) -> str:
    try:
        return msgspec.json.decode(raw, type=str)
    except (ValueError, RecursionError):
        return ""
