"""The shape of API keys, and keys of every kind found in text by shape and checksum, without a lookup.

A key is a prefix (``ari_k_``, or that of another kind: 2–20 characters, ending in ``_``) + 43 base62 characters +
6 base62 characters: the CRC-32 of everything before them.
"""

import re
from collections.abc import Iterator
from zlib import crc32

PREFIX = "ari_k_"
SECRET_LENGTH = 43
CHECKSUM_LENGTH = 6
BODY_LENGTH = SECRET_LENGTH + CHECKSUM_LENGTH
"""The characters after the prefix."""
MAX_PREFIX_LENGTH = 20
ANY_PREFIX = r"[a-z][a-z0-9_]{0,18}_"
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_PAIRS = [first + second for first in BASE62 for second in BASE62]
_PAIR_COUNT = len(_PAIRS)
_VALUES = {pair.encode(): value for value, pair in enumerate(_PAIRS)}
_PREFIX, _PREFIX_LENGTH, _LENGTH = PREFIX.encode(), len(PREFIX), len(PREFIX) + BODY_LENGTH
_ANY_PREFIX = re.compile(ANY_PREFIX.encode())
_BODY = re.compile(rb"_[0-9A-Za-z]{%d}" % BODY_LENGTH)
_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyz")
_PREFIX_CHARACTERS = _LETTERS | frozenset(b"0123456789_")


def is_prefix(text: str) -> bool:
    """Whether a kind of keys may have this prefix."""
    return text.isascii() and _ANY_PREFIX.fullmatch(text.encode()) is not None


def is_token(text: bytes) -> bool:
    """Whether this has the shape of a key of any kind, with a right checksum."""
    if (len(text) != _LENGTH or text[:_PREFIX_LENGTH] != _PREFIX) and not _has_other_prefix(text):
        return False
    return text[-BODY_LENGTH:].isalnum() and _is_right(text)


def checksum(body: bytes) -> str:
    """Six base62 characters of the CRC-32 (ISO 3309) of everything before them."""
    front, last = divmod(crc32(body), _PAIR_COUNT)
    first, middle = divmod(front, _PAIR_COUNT)
    return _PAIRS[first] + _PAIRS[middle] + _PAIRS[last]


def find_tokens(text: bytes) -> Iterator[tuple[int, bytes]]:
    """The keys in ``text``, of any kind, each with its offset. Letters around them hide none.

    The checksum also decides where a prefix begins, since text such as ``x_`` may precede it.
    """
    for body in _BODY.finditer(text):
        first, end = body.start(), body.end()
        # The longest prefix that the characters in front allow; of several, the checksum fits one.
        while first > 0 and end - BODY_LENGTH - first < MAX_PREFIX_LENGTH and text[first - 1] in _PREFIX_CHARACTERS:
            first -= 1
        for start in range(first, body.start()):
            if text[start] in _LETTERS and _is_right(text[start:end]):
                yield start, text[start:end]
                break


def _has_other_prefix(text: bytes) -> bool:
    return len(text) <= MAX_PREFIX_LENGTH + BODY_LENGTH and _ANY_PREFIX.fullmatch(text[:-BODY_LENGTH]) is not None


def _is_right(text: bytes) -> bool:
    first, middle, last = _VALUES[text[-6:-4]], _VALUES[text[-4:-2]], _VALUES[text[-2:]]
    return (first * _PAIR_COUNT + middle) * _PAIR_COUNT + last == crc32(text[:-CHECKSUM_LENGTH])
