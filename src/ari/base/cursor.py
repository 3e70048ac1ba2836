"""Cursors of paged lists: the id of the last thing shown, in unpadded base64url, so that callers take it as opaque."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error

from ari.base.errors import Invalid, Problem

_ID = re.compile(r"[a-z]{2,8}_[0-9A-HJKMNP-TV-Z]{26}")
_SORTED = re.compile(rf"([a-z-]{{1,20}})\.([0-9]{{0,16}})\.({_ID.pattern})")
_MAX_LENGTH = 100


def encode_cursor(last_id: str) -> str:
    """The cursor that goes on after the thing with this id."""
    return urlsafe_b64encode(last_id.encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str) -> str:
    """The id to go on after. Raises ``Invalid`` for anything that ``encode_cursor`` did not make of an id."""
    last_id = _decode(cursor)
    if not _ID.fullmatch(last_id):
        raise _make_invalid()
    return last_id


def encode_sorted_cursor(sort: str, value: int | None, last_id: str) -> str:
    """The cursor of a list in this order that goes on after the thing with this id, sorted by this number if any."""
    return encode_cursor(f"{sort}.{'' if value is None else value}.{last_id}")


def decode_sorted_cursor(cursor: str, sort: str) -> tuple[int | None, str]:
    """The number and the id to go on after. Raises ``Invalid``, also for a cursor of another order."""
    parts = _SORTED.fullmatch(_decode(cursor))
    if parts is None or parts[1] != sort:
        raise _make_invalid()
    return int(parts[2]) if parts[2] else None, parts[3]


def _make_invalid() -> Invalid:
    return Invalid(Problem("cursor", "Invalid cursor. Use next_cursor from the previous page."))


def _decode(cursor: str) -> str:
    if len(cursor) > _MAX_LENGTH:
        return ""
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (Base64Error, ValueError):
        return ""
    return text if encode_cursor(text) == cursor else ""
