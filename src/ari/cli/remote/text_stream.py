"""Files from a remote instance, which must not control the terminal (security.md 22)."""

from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator

from ari.cli import output

_MARK = "\ufeff"


def clean_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The text with control, bidi and other invisible characters escaped; line ends and the byte order mark stay."""
    decoder = getincrementaldecoder("utf-8")("replace")
    is_first = True
    for piece in pieces:
        text = decoder.decode(piece)
        mark = _MARK if is_first and text.startswith(_MARK) else ""
        is_first = is_first and not text
        yield (mark + _clean(text.removeprefix(mark))).encode()
    yield decoder.decode(b"", final=True).encode()


def _clean(text: str) -> str:
    return "".join(letter if letter in "\r\n" else output.clean(letter) for letter in text)
