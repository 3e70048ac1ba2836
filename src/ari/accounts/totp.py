"""Codes of an authenticator app: TOTP (RFC 6238) as every app has it: SHA-1, six digits, thirty seconds."""

import hmac
import secrets
import struct
from base64 import b32decode, b32encode
from urllib.parse import quote

from ari.base.clock import SECOND_MS

DIGITS = 6
STEP_SECONDS = 30
SECRET_BYTES = 20
"""What RFC 4226 §4 recommends; 32 letters of base32 without padding."""
_SECRET_LETTERS = SECRET_BYTES * 8 // 5
_ABOUT_NOW = (0, -1, 1)
"""A clock may be one step off, and a code typed slowly one step old (RFC 6238 §5.2)."""


def new_secret() -> str:
    """A new secret as people and apps type it."""
    return b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def secret_bytes(text: str) -> bytes | None:
    """The secret of such a text; ``None`` for anything else."""
    if len(text) != _SECRET_LETTERS:
        return None
    try:
        return b32decode(text)
    except ValueError:
        return None


def code_at(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of one time step (RFC 4226 §5.3)."""
    digest = hmac.digest(secret, struct.pack(">Q", step), "sha1")
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}}"


def step_at(now_ms: int) -> int:
    """The time step of an instant."""
    return now_ms // (STEP_SECONDS * SECOND_MS)


def find_step(secret: bytes, code: str, now_ms: int, used_until: int = -1) -> int | None:
    """The time step that this code belongs to, later than those used already; ``None`` for a wrong code."""
    found = None
    for around in _ABOUT_NOW:
        step = step_at(now_ms) + around
        if step >= 0 and hmac.compare_digest(code_at(secret, step).encode(), code.encode()) and step > used_until:
            found = step if found is None else found
    return found


def address(secret: str, email: str, host: str) -> str:
    """The ``otpauth://`` address that apps read from a QR code; what every app takes for granted is left out."""
    issuer = quote(f"ARI {host}", safe="")
    label = f"{issuer}:{quote(email, safe='')}"
    return f"otpauth://totp/{label}?secret={secret}&issuer={issuer}"
