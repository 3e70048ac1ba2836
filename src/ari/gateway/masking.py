"""Masks the provider key in everything a provider sends (security.md 37).

Finds the key and its spellings in JSON (``\\u002d``, ``\\/``) and URLs (``%2D``). Other encodings, such as Base64,
hexadecimal or a key with spaces in it, are not found: see docs/explain/security.md.
"""

import re
import string
from functools import cached_property, lru_cache

from ari.integrations.checks import mask

SHORTEST_KEY = 8
"""A shorter key is not a secret: local servers accept ``none`` or ``ollama``, which may occur in any response."""
_PART = 10
"""This many characters of a key in a row are not a coincidence."""
_BLOCK = _PART // 2
"""Every part of that length contains a whole block of this size."""
_BEGUN_ESCAPE = re.compile(rb"(?:\\(?:u(?:0(?:0[2-7]?)?)?)?|%[2-7]?)\Z")
_LONGEST_ESCAPE = 6
_PUNCTUATION = frozenset(string.punctuation.encode())


class KeyMask:
    """Masks every occurrence of one key in one body, however the body is split into chunks.

    The mask has the length of the key, so Content-Length stays right. Only the end of a chunk that may be the beginning
    of the key is held back.
    """

    def __init__(self, secret: str) -> None:
        self._key = secret.encode("ascii") if len(secret) >= SHORTEST_KEY else b""
        self._ends = self._key + b"\\u%0123456789abcdefABCDEF"
        self._held = b""
        self._known = 0
        """Bytes of ``_held`` that belong to a key that was found."""

    def mask(self, chunk: bytes) -> bytes:
        """Take the next chunk and return the bytes to send now."""
        if not self._key:
            return chunk
        data = self._held + chunk if self._held else chunk
        begun = self._partial_key_bytes(data) if data and data[-1] in self._ends else 0
        ready = len(data) - begun
        spans = self._find_spans(data)
        result = self._cover(data, spans)[:ready] if spans or self._known else data[:ready]
        # A masked end may also begin the next occurrence of the key.
        self._known = max(0, self._known - ready, *(end - ready for _, end in spans))
        self._held = data[ready:]
        return result

    def flush(self) -> bytes:
        """The bytes held back, at the end of the body."""
        rest, self._held = self._held, b""
        known, self._known = self._known, 0
        return b"*" * known + rest[known:]

    def whole(self, body: bytes) -> bytes:
        """A complete body with the key masked."""
        return self.mask(body) + self.flush()

    @cached_property
    def _escapes(self) -> re.Pattern[bytes]:
        return _escapes(bytes(sorted(set(self._key) & _PUNCTUATION)))

    def _find_spans(self, data: bytes) -> list[tuple[int, int]]:
        spans = _find(data, self._key)
        if b"\\" in data or b"%" in data:
            plain, starts = _unescape(data, self._escapes)
            spans += [(starts[start], starts[end]) for start, end in _find(plain, self._key)]
        return spans

    def _cover(self, data: bytes, spans: list[tuple[int, int]]) -> bytes:
        result = bytearray(data)
        for start, end in ((0, self._known), *spans):
            result[start:end] = b"*" * (end - start)
        return bytes(result)

    def _partial_key_bytes(self, data: bytes) -> int:
        """Number of bytes at the end that may be the beginning of the key."""
        key = self._key
        longest = min(len(key) - 1, len(data))
        as_it_is = next((size for size in range(longest, 0, -1) if data.endswith(key[:size])), 0)
        tail = data[-_LONGEST_ESCAPE * len(key) :]
        if b"\\" not in tail and b"%" not in tail:
            return as_it_is
        cut = _BEGUN_ESCAPE.search(tail)
        escape = tail[cut.start() :] if cut else b""
        plain, starts = _unescape(tail[: len(tail) - len(escape)], self._escapes)
        for size in range(min(len(key) - 1, len(plain)), -1, -1):
            if plain.endswith(key[:size]) and (not escape or _may_spell(escape, key[size])):
                return max(as_it_is, len(tail) - starts[len(plain) - size] if size or escape else 0)
        return as_it_is


def mask_key(body: bytes, secret: str, shown: bytes | None = None) -> bytes:
    """A text with the key and any ten characters of it in a row replaced.

    The replacement is ``shown``, or else the first and last characters of the key.
    """
    if len(secret) < SHORTEST_KEY:
        return body
    key = secret.encode("ascii")
    if not (_may_contain_part(body, key) or b"\\" in body or b"%" in body):
        return body
    if _may_contain_part(body, key):
        body = _remove_parts(body, key, mask(secret).encode() if shown is None else shown)
    return KeyMask(secret).whole(body)


def _remove_parts(body: bytes, key: bytes, shown: bytes) -> bytes:
    cover, size = bytearray(len(body)), min(_PART, len(key))
    for start in range(len(key) - size + 1):
        for found, end in _find(body, key[start : start + size]):
            cover[found:end] = b"\x01" * size
    result, at = bytearray(), 0
    while at < len(body):
        end = cover.find(b"\x00" if cover[at] else b"\x01", at)
        end = len(body) if end < 0 else end
        result += shown if cover[at] else body[at:end]
        at = end
    return bytes(result)


def _may_contain_part(body: bytes, key: bytes) -> bool:
    return any(map(body.__contains__, [key[at : at + _BLOCK] for at in range(0, len(key) - _BLOCK + 1, _BLOCK)]))


def _find(data: bytes, part: bytes) -> list[tuple[int, int]]:
    spans = []
    at = data.find(part)
    while at >= 0:
        spans.append((at, at + len(part)))
        at = data.find(part, at + 1)
    return spans


@lru_cache(64)
def _escapes(punctuation: bytes) -> re.Pattern[bytes]:
    """Pattern of escapes. Only the punctuation that the key has, since responses are full of escaped quotes."""
    simple = rb"[%b]" % re.escape(punctuation) if punctuation else rb"(?!)"
    return re.compile(rb"\\u00([2-7][0-9A-Fa-f])|%%([2-7][0-9A-Fa-f])|\\(%b)" % simple)


def _unescape(data: bytes, escapes: re.Pattern[bytes]) -> tuple[bytes, "_Starts"]:
    """The data with its escapes decoded, and the offset where each byte begins in the original."""
    plain, shifts, end, removed = bytearray(), [], 0, 0
    for escape in escapes.finditer(data):
        plain += data[end : escape.start()]
        plain += bytes.fromhex((escape[1] or escape[2]).decode()) if escape[3] is None else escape[3]
        end = escape.end()
        removed += end - escape.start() - 1
        shifts.append((len(plain), removed))
    return bytes(plain + data[end:]), _Starts(shifts)


class _Starts:
    """Maps an offset in unescaped text to the offset where it begins in the text with escapes."""

    def __init__(self, shifts: list[tuple[int, int]]) -> None:
        self._shifts = shifts

    def __getitem__(self, offset: int) -> int:
        low, high = 0, len(self._shifts)
        while low < high:
            middle = (low + high) // 2
            if self._shifts[middle][0] <= offset:
                low = middle + 1
            else:
                high = middle
        return offset + (self._shifts[low - 1][1] if low else 0)


def _may_spell(begun: bytes, byte: int) -> bool:
    """Whether an escape with this beginning may decode to this byte."""
    spelled = (b"\\u00%02x" % byte, b"%%%02x" % byte, b"\\%c" % byte)
    return any(one.startswith(begun.lower()) for one in spelled)
