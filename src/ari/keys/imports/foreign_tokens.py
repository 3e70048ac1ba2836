"""Keys of other systems as callers send them.

They have no checksum, so only their length and characters can be checked before a lookup.
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from itertools import islice

from ari.base.token_shape import PREFIX
from ari.keys.imports import password_hashes
from ari.keys.imports.password_hashes import check_bcrypt, is_bcrypt
from ari.keys.imports.schemes import MAX_FOREIGN_ID_LENGTH, SANCTUM
from ari.keys.model import ApiKey
from ari.keys.ports import KeyFinder, SaltedSecret

MAX_LENGTH = 512
MAX_WORDS = 100
"""Of a text, that may be keys."""
_QUOTES = b"\"'`,;()[]{}<>"
_MARKS = re.compile(rb"[\s\"'`,;=:|()\[\]{}<>]+")
_SEPARATORS = (b".", b"_", b"-", b"|", b":")
_SHAPE = re.compile(rb"(?!%s)[!-~]{1,%d}" % (PREFIX.encode(), MAX_LENGTH))
"""A mistyped key of ARI's own is no key of another system."""


def is_possible(text: bytes) -> bool:
    """Whether this may be a key of another system."""
    return _SHAPE.fullmatch(text) is not None


def foreign_id_of(text: bytes) -> str | None:
    """The id in a key that is found by it, ``ID.SECRET``; ``None`` if it has none."""
    foreign_id, _, secret = text.partition(b".")
    return foreign_id.decode() if secret and 0 < len(foreign_id) <= MAX_FOREIGN_ID_LENGTH else None


def list_ids(text: bytes) -> list[str]:
    """The ids with which this key may begin, longest first: the part before a dot is one of them."""
    longest = min(len(text) - 1, MAX_FOREIGN_ID_LENGTH)
    return [text[:length].decode() for length in range(longest, 0, -1)]


def choose_salted(found: Sequence[SaltedSecret], text: bytes) -> list[SaltedSecret]:
    """Those of these secrets whose hash may be that of ``text``: at most one of each scheme.

    djangorestframework-api-key's keys have their id before a dot. Others have the longest id that they begin with.
    """
    dotted = [one for one in found if not is_bcrypt(one.foreign_hash) and one.foreign_id == foreign_id_of(text)]
    others = [one for one in found if is_bcrypt(one.foreign_hash)]
    return dotted[:1] + sorted(others, key=lambda one: len(one.foreign_id))[-1:]


def check_salted(text: bytes, secret: SaltedSecret) -> bool:
    """Whether ``text`` is this secret. Takes up to 2 s.

    Some systems hash with bcrypt the whole key, others what follows the id and a separator.
    """
    if not is_bcrypt(secret.foreign_hash):
        return password_hashes.check(text, secret.foreign_hash)
    rest = text[len(secret.foreign_id) :]
    whole_or_rest = (text, rest[1:] if rest[:1] in _SEPARATORS else rest)
    return any(check_bcrypt(one, secret.foreign_hash) for one in whole_or_rest if one)


def list_words(text: bytes) -> list[bytes]:
    """Everything in this text, such as a line of a file, that may be a key of another system."""
    words = [text.strip(), *text.split()]
    words += [part for word in text.split() for mark in (b"=", b":") for part in word.split(mark, 1)[1:]]
    words = [*(word.strip(_QUOTES) for word in words), *_MARKS.split(text)]
    return list(islice((word for word in dict.fromkeys(words) if is_possible(word)), MAX_WORDS))


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
