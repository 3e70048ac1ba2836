"""Lines of an export, from chunks that end anywhere."""

from collections.abc import Iterator

from ari.client.exceptions import UnexpectedResponse

MAX_LINE_BYTES = 1024 * 1024


class LineSplitter:
    """Collects chunks and gives whole lines. Exports have no line breaks inside values."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._is_first = True

    def split(self, chunk: bytes) -> Iterator[str]:
        """The lines that this chunk completes. Raises UnexpectedResponse for a line that never ends."""
        self._rest += chunk
        if b"\n" in chunk:
            *lines, rest = bytes(self._rest).split(b"\n")
            self._rest = bytearray(rest)
            for line in lines:
                yield self._decode(line)
        if len(self._rest) > MAX_LINE_BYTES:
            raise UnexpectedResponse("A line of the export is too long.")

    def finish(self) -> Iterator[str]:
        """The last line, if it has no line end."""
        if self._rest:
            yield self._decode(bytes(self._rest))

    def _decode(self, line: bytes) -> str:
        text = line.removesuffix(b"\r").decode("utf-8", errors="replace")
        if self._is_first:
            self._is_first = False
            text = text.removeprefix("\ufeff")
        return text
