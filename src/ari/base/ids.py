"""Sortable ids with the kind in front: ``key_01JD7W…`` (the ULID layout: 48 bits of time, 80 random bits).

Source: https://github.com/ulid/spec.
"""

import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 26


def new_id(kind: str, now_ms: int) -> str:
    """A new id such as ``key_01JD7WZ2…`` that sorts by ``now_ms``."""
    number = (now_ms << 80) | secrets.randbits(80)
    return f"{kind}_" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def is_id(kind: str, text: str) -> bool:
    """Whether ``text`` has the form of an id of this kind."""
    body = text.removeprefix(f"{kind}_")
    return len(body) == _LENGTH and len(body) < len(text) and all(letter in _ALPHABET for letter in body)
