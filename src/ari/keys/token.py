"""The text of an API key: ``ari_k_`` + 43 base62 characters (256 bits) + 6 base62 characters of CRC-32.

One double-click selects it, scanners recognize it offline, a typo is refused without a lookup. Only its SHA-256 and a
hint are stored: a fast hash is right for secrets of 112 random bits or more (NIST SP 800-63B-4 §3.1.1.2,
OWASP ASVS 5.0 6.5.2).
"""

import secrets
from hashlib import sha256
from zlib import crc32

PREFIX = "ari_k_"
SECRET_LENGTH = 43
CHECKSUM_LENGTH = 6
LENGTH = len(PREFIX) + SECRET_LENGTH + CHECKSUM_LENGTH
HASH_VERSION = 1
"""1 = SHA-256 of the whole text."""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_PAIR_COUNT = len(_PAIRS)
_VALUES = {pair.encode(): value for value, pair in enumerate(_PAIRS)}
_PREFIX, _PREFIX_LENGTH, _BODY_END = PREFIX.encode(), len(PREFIX), LENGTH - CHECKSUM_LENGTH


def mint() -> str:
    """A new token from 256 bits of the operating system's randomness."""
    body = PREFIX + _base62(secrets.randbits(256), SECRET_LENGTH)
    return body + checksum(body.encode())


def parse(text: bytes) -> bytes | None:
    """The digest to look up, or ``None`` for anything but a well-formed token. Never raises for bytes."""
    if len(text) != LENGTH or text[:_PREFIX_LENGTH] != _PREFIX or not text[_PREFIX_LENGTH:].isalnum():
        return None
    first, middle, last = _VALUES[text[-6:-4]], _VALUES[text[-4:-2]], _VALUES[text[-2:]]
    if (first * _PAIR_COUNT + middle) * _PAIR_COUNT + last != crc32(text[:_BODY_END]):
        return None
    return sha256(text).digest()


def checksum(body: bytes) -> str:
    """Six base62 characters of the CRC-32 (ISO 3309) of everything before them."""
    front, last = divmod(crc32(body), _PAIR_COUNT)
    first, middle = divmod(front, _PAIR_COUNT)
    return _PAIRS[first] + _PAIRS[middle] + _PAIRS[last]


def digest(text: bytes) -> bytes:
    """The 32 bytes under which a token is stored."""
    return sha256(text).digest()


def hint(text: str) -> str:
    """The part of a token that pages, logs and emails may show: prefix, first 4 … last 4."""
    return f"{text[: len(PREFIX) + 4]}…{text[-4:]}"


def _base62(number: int, length: int) -> str:
    letters = []
    for _ in range(length):
        number, rest = divmod(number, 62)
        letters.append(_ALPHABET[rest])
    return "".join(reversed(letters))
