"""How other systems hash the secrets of their API keys, each under the name of the system.

The sources, and a vector from each system that can be installed, are in ``tests/unit/keys/imports/vectors.json``.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b

from ari.base.errors import Invalid, Problem
from ari.keys.imports import password_hashes

SANCTUM = "laravel-sanctum"
DJANGO = "djangorestframework-api-key"
BCRYPT = "bcrypt"
SALTED = (DJANGO, BCRYPT)
"""Schemes whose secrets are found by an id, since the hash has a salt."""
MIN_PREFIX_LENGTH = 6
"""So that few keys begin with the prefix of another."""
MAX_FOREIGN_ID_LENGTH = 64
MAX_HASH_LENGTH = 512

_HEX = re.compile(r"[0-9A-Fa-f]{64}")
_BASE64 = re.compile(r"[0-9A-Za-z+/]{43}=?")
_BASE64URL = re.compile(r"[0-9A-Za-z_-]{43}=?")
_FOREIGN_ID = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True)
class StoredHash:
    """How a secret is stored here. ``digest`` is that of its text, or of no text if there is a ``foreign_hash``."""

    digest: bytes
    foreign_id: str = ""
    foreign_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Scheme:
    """``parse`` reads a hash and the key's id in the other system, which some schemes need."""

    parse: Callable[[str, str], StoredHash]
    description: str


def parse_hash(scheme: str, text: str, foreign_id: str) -> StoredHash:
    """The secret with this hash. Raises ``Invalid``, never with the hash, which may be a key pasted by mistake."""
    known = SCHEMES.get(scheme)
    if known is None:
        raise Invalid(Problem("scheme", f"Choose one of {', '.join(SCHEMES)}."))
    if len(foreign_id) > MAX_FOREIGN_ID_LENGTH or not _FOREIGN_ID.fullmatch(foreign_id):
        raise Invalid(Problem("foreign_id", f"Use at most {MAX_FOREIGN_ID_LENGTH} ASCII characters without spaces."))
    return known.parse(text, foreign_id)


def _parse_hex(text: str, foreign_id: str) -> StoredHash:
    if not _HEX.fullmatch(text):
        raise Invalid(Problem("hash", "Must be the SHA-256 of the key as 64 hexadecimal digits."))
    return StoredHash(bytes.fromhex(text), foreign_id)


def _parse_base64(text: str, foreign_id: str) -> StoredHash:
    if not _BASE64.fullmatch(text):
        raise Invalid(Problem("hash", "Must be the SHA-256 of the key in Base64: 44 characters."))
    return StoredHash(_decode(text, b"+/"), foreign_id)


def _parse_base64url(text: str, foreign_id: str) -> StoredHash:
    if not _BASE64URL.fullmatch(text):
        raise Invalid(Problem("hash", "Must be the SHA-256 of the key in Base64url: 43 characters."))
    return StoredHash(_decode(text, b"-_"), foreign_id)


def _decode(text: str, letters: bytes) -> bytes:
    try:
        return b64decode(text.rstrip("=") + "=", letters, validate=True)
    except binascii.Error:
        raise Invalid(Problem("hash", "This isn't valid Base64.")) from None


def _parse_django(text: str, foreign_id: str) -> StoredHash:
    if not foreign_id or "." in foreign_id:
        raise Invalid(Problem("foreign_id", "Specify the key's prefix, the part before the dot."))
    if len(text) > MAX_HASH_LENGTH or not password_hashes.is_supported(text):
        known = ", ".join(password_hashes.ALGORITHMS)
        raise Invalid(Problem("hash", f"Must be a hash as Django stores it, by one of {known}."))
    return _make_salted(text, foreign_id)


def _parse_bcrypt(text: str, foreign_id: str) -> StoredHash:
    if len(foreign_id) < MIN_PREFIX_LENGTH:
        raise Invalid(Problem("foreign_id", f"Specify the key's first {MIN_PREFIX_LENGTH} or more characters."))
    if not password_hashes.is_bcrypt(text):
        most = password_hashes.MAX_COST
        raise Invalid(Problem("hash", f"Must be a bcrypt hash ($2b$…) with a cost of at most {most}."))
    return _make_salted(text, foreign_id)


def _make_salted(text: str, foreign_id: str) -> StoredHash:
    # Nobody knows a text whose SHA-256 is a BLAKE2 hash, so this digest finds no secret; equal hashes have equal ones.
    placeholder = blake2b(f"{foreign_id}\n{text}".encode(), digest_size=32).digest()
    return StoredHash(placeholder, foreign_id, text)


SCHEMES = {
    "better-auth": Scheme(_parse_base64url, "Better Auth's API key plugin: the column `key`"),
    "unkey": Scheme(_parse_base64, "Unkey: the column `hash`"),
    "litellm": Scheme(_parse_hex, "LiteLLM's virtual keys: the column `token`"),
    DJANGO: Scheme(_parse_django, "djangorestframework-api-key: the columns `hashed_key` and `prefix`"),
    SANCTUM: Scheme(_parse_hex, "Laravel Sanctum's tokens: the columns `token` and `id`"),
    BCRYPT: Scheme(
        _parse_bcrypt, "any system: bcrypt of the whole key, or of what follows its prefix; `foreign_id` is the prefix"
    ),
    "sha256-hex": Scheme(_parse_hex, "any system: SHA-256 of the whole key, hexadecimal"),
    "sha256-base64url": Scheme(_parse_base64url, "any system: SHA-256 of the whole key, Base64url"),
}
