"""The text of an API key: ``ari_k_`` + 43 base62 characters (256 bits) + 6 base62 characters of CRC-32.

Keys of other kinds differ in the prefix only. One double-click selects a key, scanners recognize it offline, a typo is
refused without a lookup. Only its SHA-256 and a hint are stored: a fast hash is right for secrets of 112 random bits or
more (NIST SP 800-63B-4 §3.1.1.2, OWASP ASVS 5.0 6.5.2).
"""

import secrets
from hashlib import sha256

from ari.base.token_shape import (
    BASE62,
    BODY_LENGTH,
    CHECKSUM_LENGTH,
    PREFIX,
    SECRET_LENGTH,
    checksum,
    find_tokens,
    is_prefix,
    is_token,
)

__all__ = [
    "BODY_LENGTH",
    "CHECKSUM_LENGTH",
    "LENGTH",
    "PREFIX",
    "SECRET_LENGTH",
    "checksum",
    "digest",
    "find_tokens",
    "hint",
    "is_prefix",
    "is_token",
    "mint",
    "parse",
]

LENGTH = len(PREFIX) + BODY_LENGTH
"""Of a key of the default kind."""


def mint(prefix: str = PREFIX) -> str:
    """A new token from 256 bits of the operating system's randomness."""
    body = prefix + _base62(secrets.randbits(256), SECRET_LENGTH)
    return body + checksum(body.encode())


def parse(text: bytes) -> bytes | None:
    """The digest to look up, or ``None`` for anything but a well-formed token. Never raises for bytes."""
    return sha256(text).digest() if is_token(text) else None


def digest(text: bytes) -> bytes:
    """The 32 bytes under which a token is stored."""
    return sha256(text).digest()


def hint(text: str) -> str:
    """The part of a token that pages, logs and emails may show: prefix, first 4 … last 4."""
    return f"{text[: 4 - BODY_LENGTH]}…{text[-4:]}"


def _base62(number: int, length: int) -> str:
    letters = []
    for _ in range(length):
        number, rest = divmod(number, 62)
        letters.append(BASE62[rest])
    return "".join(reversed(letters))
