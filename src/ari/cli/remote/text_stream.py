"""Files from a remote instance, which must not control the terminal (security.md 22)."""

from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator

from ari.cli import output

_MARK = "\ufeff"


def clean_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The text with control, bidi and other invisible characters escaped; line ends and the byte order mark stay.

    A carriage return without a line feed is no line end: it would overwrite the line.
    """
    decoder = getincrementaldecoder("utf-8")("replace")
    is_first = True
    kept = ""
    for piece in pieces:
        text = kept + decoder.decode(piece)
        kept = "\r" if text.endswith("\r") else ""  # its line feed may be in the next piece
        text = text.removesuffix(kept)
        mark = _MARK if is_first and text.startswith(_MARK) else ""
        is_first = is_first and not text
        yield (mark + _clean(text.removeprefix(mark))).encode()
    yield _clean(kept + decoder.decode(b"", final=True)).encode()


def split_lines(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    """The lines, each with its end. Raises ``ValueError`` for one of more than ``most`` bytes."""
    rest = bytearray()
    for piece in pieces:
        rest += piece
        *lines, last = bytes(rest).split(b"\n") if b"\n" in piece else [bytes(rest)]
        for line in lines:
            yield line + b"\n"
        if len(last) > most:
            raise ValueError("a line is too long")
        if lines:
            rest = bytearray(last)
    if rest:
        yield bytes(rest)


def _clean(text: str) -> str:
    lines = ["\n".join(output.clean(line) for line in part.split("\n")) for part in text.split("\r\n")]
    return "\r\n".join(lines)
