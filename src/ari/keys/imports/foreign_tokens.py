"""Keys of other systems as callers send them.

They have no checksum, so only their length and characters can be checked before a lookup.
"""

import re
from hashlib import sha256

from ari.base.token_shape import PREFIX
from ari.keys.imports.schemes import MAX_FOREIGN_ID_LENGTH, SANCTUM
from ari.keys.model import ApiKey
from ari.keys.ports import KeyFinder

MAX_LENGTH = 512
_SHAPE = re.compile(rb"(?!%s)[!-~]{1,%d}" % (PREFIX.encode(), MAX_LENGTH))
"""A mistyped key of ARI's own is no key of another system."""


def is_possible(text: bytes) -> bool:
    """Whether this may be a key of another system."""
    return _SHAPE.fullmatch(text) is not None


def foreign_id_of(text: bytes) -> str | None:
    """The id in a key that is found by it, ``ID.SECRET``; ``None`` if it has none."""
    foreign_id, _, secret = text.partition(b".")
    return foreign_id.decode() if secret and 0 < len(foreign_id) <= MAX_FOREIGN_ID_LENGTH else None


async def find_foreign(finder: KeyFinder, text: bytes) -> ApiKey | None:
    """The key with this text, if ARI knows its digest. Raises ``Unavailable``."""
    key = await finder.find(sha256(text).digest())
    return await _find_sanctum(finder, text) if key is None else key


async def _find_sanctum(finder: KeyFinder, text: bytes) -> ApiKey | None:
    """Laravel Sanctum hashes only what follows the id: ``ID|SECRET``. The id must be that of the secret."""
    foreign_id, _, secret = text.partition(b"|")
    key = await finder.find(sha256(secret).digest()) if secret else None
    if key is None or key.secret is None or key.secret.scheme != SANCTUM:
        return None
    return key if key.secret.foreign_id in ("", foreign_id.decode()) else None
