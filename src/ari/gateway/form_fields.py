"""Reads fields of a multipart form (RFC 7578) in the one way that all servers agree on, or refuses to.

Servers differ in what they take for a boundary, a part's header or the end of the form. Only the plain form that
clients write is read: no preamble, no folded or unknown headers, and nowhere else the text of the boundary.
"""

import re
from typing import NamedTuple

from ari.gateway.json_tree import Ambiguous, fold_name

MAX_PARTS = 1_000
MAX_HEADER_BYTES = 4 * 1024
_TYPE = re.compile(rb"multipart/form-data;[ ]*boundary=(\"?)([0-9A-Za-z'()+_,./:=?-]{1,70})\1", re.IGNORECASE)
_DISPOSITION = re.compile(
    rb'form-data; ?name="([^"\\]*)"((?:; ?filename="[^"]*")?(?:; ?filename\*=[^";]*)?)', re.IGNORECASE
)
_LINE = re.compile(rb"([A-Za-z-]+):[ ]?([^\r\n\0]*)")
_HEADERS = frozenset((b"content-disposition", b"content-type", b"content-length"))
_TEXT_TYPE = re.compile(rb"text/plain(?:; ?charset=\"?utf-8\"?)?|application/octet-stream", re.IGNORECASE)


class _Part(NamedTuple):
    """``start`` is the index of the content in the body; ``is_text`` says that every server reads it as text."""

    name: str
    is_text: bool
    content: bytes
    start: int
    is_file: bool


def is_form(content_type: bytes) -> bool:
    """Whether any server could read the body as a multipart form."""
    return b"form" in content_type.lower()


def read_form(content_type: bytes, body: bytes, names: frozenset[str]) -> dict[str, list[str]]:
    """The texts of the fields with these names. Raises ``Ambiguous``."""
    found: dict[str, list[str]] = {}
    for part in _read_parts(content_type, body):
        name = part.name
        if name not in names:
            if fold_name(name) in names:
                raise Ambiguous(f"The form has a field whose name resembles {fold_name(name)}.")
            continue
        if not part.is_text:
            raise Ambiguous(f"The form's field {name} isn't plain text.")
        try:
            found.setdefault(name, []).append(part.content.decode())
        except UnicodeDecodeError:
            raise Ambiguous(f"The form's field {name} isn't UTF-8.") from None
    return found


def list_files(content_type: bytes, body: bytes) -> list[bytes]:
    """The content of each file in the form. Raises ``Ambiguous``."""
    return [part.content for part in _read_parts(content_type, body) if part.is_file]


def replace_in_form(content_type: bytes, body: bytes, names: frozenset[str], old: str, new: str) -> bytes | None:
    """The form with ``new`` in place of ``old`` in these fields, all other bytes as they are.

    ``None`` if no field has that value. Raises ``Ambiguous``.
    """
    found, at = bytearray(), 0
    for part in _read_parts(content_type, body):
        if part.name in names and part.content == old.encode():
            found += body[at : part.start] + new.encode()
            at = part.start + len(part.content)
    return bytes(found + body[at:]) if at else None


def _read_parts(content_type: bytes, body: bytes) -> list[_Part]:
    matched = _TYPE.fullmatch(content_type.strip())
    if matched is None:
        raise Ambiguous("The Content-Type is neither application/json nor multipart/form-data with a plain boundary.")
    mark = b"--" + matched[2]
    first, *middle = b"".join((b"\r\n", body)).split(b"\r\n" + mark)
    last = middle.pop() if middle else b""
    if first or not middle or last not in (b"--", b"--\r\n") or body.count(mark) != len(middle) + 1:
        raise Ambiguous("The form isn't split by its boundary alone.")
    if len(middle) > MAX_PARTS:
        raise Ambiguous(f"The form has more than {MAX_PARTS:,} parts.")
    parts, at = [], len(mark)
    for text in middle:
        parts.append(_read_part(text, at))
        at += len(text) + len(b"\r\n") + len(mark)
    return parts


def _read_part(part: bytes, at: int) -> _Part:
    head, end, content = part.partition(b"\r\n\r\n")
    start, *lines = head.split(b"\r\n")
    if start or not end or len(head) > MAX_HEADER_BYTES:
        raise Ambiguous("A part of the form has no plain header.")
    headers: dict[bytes, bytes] = {}
    for line in lines:
        matched = _LINE.fullmatch(line)
        name = b"" if matched is None else matched[1].lower()
        if matched is None or name not in _HEADERS or name in headers:
            raise Ambiguous("A part of the form has a header that servers could read differently.")
        headers[name] = matched[2]
    named = _DISPOSITION.fullmatch(headers.get(b"content-disposition", b""))
    if named is None:
        raise Ambiguous("A part of the form has no plain name.")
    try:
        name = named[1].decode()
    except UnicodeDecodeError:
        raise Ambiguous("The name of a form's field isn't UTF-8.") from None
    is_text = _TEXT_TYPE.fullmatch(headers.get(b"content-type", b"text/plain")) is not None
    return _Part(name, is_text, content, at + len(head) + len(b"\r\n\r\n"), bool(named[2]))
