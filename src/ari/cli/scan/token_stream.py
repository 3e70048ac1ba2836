"""Find keys in bytes that arrive in chunks, with their line numbers."""

import codecs
from collections.abc import Iterable, Iterator
from typing import IO

from ari.base.token_shape import BODY_LENGTH, MAX_PREFIX_LENGTH, find_tokens

CHUNK_BYTES = 1 << 20
_OVERLAP = MAX_PREFIX_LENGTH + BODY_LENGTH - 1
"""The bytes that are searched again with the next chunk: all but one of the longest key."""


def find_in_chunks(chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """The keys in these bytes, each with its line, from 1. UTF-16 text with a byte order mark is decoded first."""
    line, kept = 1, b""
    for chunk in _decode(chunks):
        window = kept + chunk
        counted = newlines = 0
        for start, token in find_tokens(window):
            newlines += window.count(b"\n", counted, start)
            counted = start
            if start + len(token) > len(kept):
                yield line + newlines, token.decode()
        edge = max(0, len(window) - _OVERLAP)
        line += window.count(b"\n", 0, edge)
        kept = window[edge:]


def read_chunks(file: IO[bytes]) -> Iterator[bytes]:
    """The file's bytes to its end."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _decode(chunks: Iterable[bytes]) -> Iterator[bytes]:
    decoder = None
    for number, chunk in enumerate(chunks):
        if number == 0 and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            decoder = codecs.getincrementaldecoder("utf-16")("replace")
        yield chunk if decoder is None else decoder.decode(chunk).encode()
