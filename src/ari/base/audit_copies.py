"""Reads copies of the audit log from files, compressed or not, in bounded memory."""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from io import BufferedReader

from ari.base.audit_lines import MAX_LINE_BYTES
from ari.base.audit_verification import AuditCopy, BrokenCopy

_GZIP = b"\x1f\x8b"


def verify(copy: AuditCopy, sources: Sequence[tuple[str, BufferedReader]]) -> None:
    """Give all lines of these sources, which have names, to the copy in this order. Raises ``BrokenCopy``."""
    for name, source in sources:
        number = 0
        try:
            for line in _read_lines(source):
                number += 1
                if len(line) > MAX_LINE_BYTES:
                    raise BrokenCopy(f"{name} line {number} is longer than {MAX_LINE_BYTES // 1024 // 1024} MB.")
                copy.add(line, f"{name} line {number}")
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise BrokenCopy(f"{name} is damaged or cut off after line {number}: it can't be decompressed.") from None
        except OSError as error:
            raise BrokenCopy(f"Can't read {name}: {error.strerror or type(error).__name__}.") from None
    copy.finish()


def _read_lines(source: BufferedReader) -> Iterator[bytes]:
    is_compressed = source.peek(len(_GZIP))[: len(_GZIP)] == _GZIP
    reader = gzip.GzipFile(fileobj=source) if is_compressed else source
    while line := reader.readline(MAX_LINE_BYTES + 1):
        yield line
