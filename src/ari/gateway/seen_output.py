"""Estimates the tokens of a response by its bytes, for one that ends without reporting its use.

Streams consist of records, one line each, that repeat the same names around a little text.
"""

import re

_BYTES_PER_TOKEN = 4
_MAX_FRAME_BYTES = 300
"""The most of a record that is taken for names. In OpenAI's chat streams, it is about 250 bytes."""
_LEAST_RECORD_BYTES = 32
"""Shorter records have no text: the end of a stream, and pings."""
_MAX_RECORD_BYTES = 4_096
"""Longer records hold an image, or repeat earlier text."""
_MAX_TOKENS = 128_000
"""The longest response of today's models."""
_NOT_TEXT = re.compile("embed|image|audio|speech|sound")
_RECORD = (b"data:", b"{")
_NO_TEXT = (b"event:", b"id:", b"retry:", b":")
_MARK_BYTES = max(map(len, (*_RECORD, *_NO_TEXT)))


class SeenOutput:
    """Counts one response while it passes. Takes about 1 µs for a chunk."""

    __slots__ = (
        "_length",
        "_longest_bytes",
        "_mark",
        "_other_bytes",
        "_record_bytes",
        "_record_count",
        "_smallest_bytes",
    )

    def __init__(self) -> None:
        self._mark = b""
        """The first bytes of the current line."""
        self._length = 0
        self._record_count = 0
        self._record_bytes = 0
        self._smallest_bytes = _MAX_FRAME_BYTES
        self._longest_bytes = 0
        self._other_bytes = 0

    def see(self, chunk: bytes) -> None:
        """Count the next chunk."""
        for number, part in enumerate(chunk.split(b"\n")):
            if number:
                self._end_line()
            if len(self._mark) < _MARK_BYTES:
                self._mark += part[: _MARK_BYTES - len(self._mark)]
            self._length += len(part)

    def count_tokens(self) -> int:
        """The tokens of all that was seen."""
        self._end_line()
        if self._record_count == 1:
            text_bytes = self._longest_bytes
        else:
            text_bytes = self._record_bytes - self._record_count * self._smallest_bytes
        text_bytes += self._other_bytes
        return min(_MAX_TOKENS, self._record_count + text_bytes // _BYTES_PER_TOKEN)

    def _end_line(self) -> None:
        if self._mark.startswith(_RECORD):
            if self._length >= _LEAST_RECORD_BYTES:
                self._record_count += 1
                self._record_bytes += min(self._length, _MAX_RECORD_BYTES)
                self._smallest_bytes = min(self._length, self._smallest_bytes)
                self._longest_bytes = max(self._length, self._longest_bytes)
        elif not self._mark.startswith(_NO_TEXT):
            self._other_bytes += self._length
        self._mark, self._length = b"", 0


def make_seen_output(path: str) -> SeenOutput | None:
    """A count for a request to this path; ``None`` if its response isn't text."""
    return None if _NOT_TEXT.search(path.lower()) else SeenOutput()
