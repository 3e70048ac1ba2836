"""Reads fields of a multipart form (RFC 7578) in the one way that all servers agree on, or refuses to.

Servers differ in what they take for a boundary, a part's header or the end of the form. Only the plain form that
clients write is read: no preamble, no folded or unknown headers, and nowhere else the text of the boundary.
"""

import re

from ari.gateway.json_tree import Ambiguous, fold_name

MAX_PARTS = 1_000
MAX_HEADER_BYTES = 4 * 1024
_TYPE = re.compile(rb"multipart/form-data;[ ]*boundary=(\"?)([0-9A-Za-z'()+_,./:=?-]{1,70})\1", re.IGNORECASE)
_DISPOSITION = re.compile(
    rb'form-data; ?name="([^"\\]*)"(?:; ?filename="[^"]*")?(?:; ?filename\*=[^";]*)?', re.IGNORECASE
)
_LINE = re.compile(rb"([A-Za-z-]+):[ ]?([^\r\n\0]*)")
_HEADERS = frozenset((b"content-disposition", b"content-type", b"content-length"))
_TEXT_TYPE = re.compile(rb"text/plain(?:; ?charset=\"?utf-8\"?)?|application/octet-stream", re.IGNORECASE)


def is_form(content_type: bytes) -> bool:
    """Whether any server could read the body as a multipart form."""
    return b"form" in content_type.lower()


def read_form(content_type: bytes, body: bytes, names: frozenset[str]) -> dict[str, list[str]]:
    """The texts of the fields with these names. Raises ``Ambiguous``."""
    found: dict[str, list[str]] = {}
    for name, headers, content in _parts(content_type, body):
        if name not in names:
            if fold_name(name) in names:
                raise Ambiguous(f"The form has a field whose name resembles {fold_name(name)}.")
            continue
        if b"content-type" in headers and not _TEXT_TYPE.fullmatch(headers[b"content-type"]):
            raise Ambiguous(f"The form's field {name} isn't plain text.")
        try:
            found.setdefault(name, []).append(content.decode())
        except UnicodeDecodeError:
            raise Ambiguous(f"The form's field {name} isn't UTF-8.") from None
    return found


def _parts(content_type: bytes, body: bytes) -> list[tuple[str, dict[bytes, bytes], bytes]]:
    """Name, headers and content of each part."""
    matched = _TYPE.fullmatch(content_type.strip())
    if matched is None:
        raise Ambiguous("The form's Content-Type isn't multipart/form-data with a plain boundary.")
    mark = b"--" + matched[2]
    first, *middle, last = b"".join((b"\r\n", body)).split(b"\r\n" + mark)
    if first or not middle or last not in (b"--", b"--\r\n") or body.count(mark) != len(middle) + 1:
        raise Ambiguous("The form isn't split by its boundary alone.")
    if len(middle) > MAX_PARTS:
        raise Ambiguous(f"The form has more than {MAX_PARTS:,} parts.")
    return [_read_part(part) for part in middle]


def _read_part(part: bytes) -> tuple[str, dict[bytes, bytes], bytes]:
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
        return named[1].decode(), headers, content
    except UnicodeDecodeError:
        raise Ambiguous("The name of a form's field isn't UTF-8.") from None
