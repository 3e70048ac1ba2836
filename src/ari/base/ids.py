"""Sortable ids with the kind in front: ``key_01JD7W…`` (the ULID layout: 48 bits of time, 80 random bits).

Source: https://github.com/ulid/spec.
"""

import os
from functools import lru_cache

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 26
_RANDOM_LETTERS = 16
_LETTER_OF_BYTE = bytes(ord(_ALPHABET[byte & 31]) for byte in range(256))
"""Five random bits of each random byte make one letter."""
_DRAWN_AT_ONCE = 256

_drawn: list[str] = []
"""Random ends not yet used: asking the system for each apart would be the dearest part of a request's head."""
os.register_at_fork(after_in_child=_drawn.clear)


def new_id(kind: str, now_ms: int) -> str:
    """A new id such as ``key_01JD7WZ2…`` that sorts by ``now_ms``."""
    try:
        end = _drawn.pop()
    except IndexError:
        end = _draw()
    return f"{kind}_{_time_letters(now_ms)}{end}"


def _draw() -> str:
    letters = os.urandom(_RANDOM_LETTERS * _DRAWN_AT_ONCE).translate(_LETTER_OF_BYTE).decode()
    _drawn.extend(letters[at : at + _RANDOM_LETTERS] for at in range(_RANDOM_LETTERS, len(letters), _RANDOM_LETTERS))
    return letters[:_RANDOM_LETTERS]


@lru_cache(maxsize=64)
def _time_letters(now_ms: int) -> str:
    """The 48 bits of time in front; remembered, because many ids are made in one millisecond."""
    return "".join(_ALPHABET[now_ms >> shift & 31] for shift in range(45, -1, -5))


def is_id(kind: str, text: str) -> bool:
    """Whether ``text`` has the form of an id of this kind."""
    body = text.removeprefix(f"{kind}_")
    return len(body) == _LENGTH and len(body) < len(text) and all(letter in _ALPHABET for letter in body)
