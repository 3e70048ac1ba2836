"""Backup codes: ten that sign in once each where the authenticator app is lost.

80 random bits each, so a fast hash is enough: whoever stole the database had to try 2^76 for one of ten.
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
    return [_grouped("".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS))) for _ in range(COUNT)]


def digest_of(account_id: str, text: str) -> bytes | None:
    """What is stored of a code, however it is spelled; ``None`` for what cannot be one."""
    code = text.strip().lower().translate(_MISREAD)
    if len(code) != _LETTERS or any(letter not in _ALPHABET for letter in code):
        return None
    return hashlib.sha256(f"{account_id} {code}".encode()).digest()


def _grouped(code: str) -> str:
    return "-".join(code[start : start + _GROUP] for start in range(0, _LETTERS, _GROUP))
