"""Cursors of paged lists: the id of the last thing shown, in unpadded base64url, so that callers take it as opaque."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error

from ari.base.errors import Invalid, Problem

_ID = re.compile(r"[a-z]{2,8}_[0-9A-HJKMNP-TV-Z]{26}")
_MAX_LENGTH = 60


def encode_cursor(last_id: str) -> str:
    """The cursor that goes on after the thing with this id."""
    return urlsafe_b64encode(last_id.encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str) -> str:
    """The id to go on after. Raises ``Invalid`` for anything that ``encode_cursor`` did not make of an id."""
    if len(cursor) <= _MAX_LENGTH:
        try:
            last_id = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        except (Base64Error, ValueError):
            last_id = ""
        if _ID.fullmatch(last_id) and encode_cursor(last_id) == cursor:
            return last_id
    raise Invalid(Problem("cursor", "Invalid cursor. Use next_cursor from the previous page."))
