"""Backup codes: ten single-use codes that replace a lost authenticator app.

Each has 80 random bits, so a fast hash is enough: with a stolen database, finding one of ten takes 2^76 tries.
"""

import hashlib
import secrets

COUNT = 10
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's: no letter is taken for a digit or for another letter."""
_LETTERS = 16
_GROUP = 4
_MISREAD = str.maketrans("oil", "011", " -\u2010\u2011\u2013")


def new_codes() -> list[str]:
    """Ten codes such as ``7kq2-m0xt-9f4c-hb3w``."""
    return [_group("".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS))) for _ in range(COUNT)]


def digest_of(account_id: str, text: str) -> bytes | None:
    """The digest to store for a code, however it is spelled; ``None`` for text that can't be a code."""
    code = text.strip().lower().translate(_MISREAD)
    if len(code) != _LETTERS or any(letter not in _ALPHABET for letter in code):
        return None
    return hashlib.sha256(f"{account_id} {code}".encode()).digest()


def _group(code: str) -> str:
    return "-".join(code[start : start + _GROUP] for start in range(0, _LETTERS, _GROUP))
