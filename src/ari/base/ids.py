"""Sortable ids with the kind in front: ``key_01JD7W…`` (the ULID layout: 48 bits of time, then 80 bits).

Ids of one process and one millisecond sort in the order they were made in: of the 80 bits, 20 count up from a random
number and 60 are random. Adding 1 to the last id, as ULID does, would make the next one guessable. The
first number has 19 random bits, so an id has 79 random bits alone and 60 next to others of its millisecond: enough to
be unique, and nothing depends on more, because ids grant nothing.

Source: https://github.com/ulid/spec.
"""

import os
import struct
from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache
from itertools import count

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
"""The letters of each 10 bits."""
_LENGTH = 26
_CACHED_LETTERS = 64
_RANDOM_LETTERS = 12
_LETTER_OF_BYTE = bytes(ord(_ALPHABET[byte & 31]) for byte in range(256))
"""Five random bits of each random byte make one letter."""
_DRAWN_AT_ONCE = 256
_FIRST_NUMBER_BITS = 19
"""One bit less than there are, so a millisecond has room for 500,000 ids in order."""
MAX_INSTANTS = 1_000
"""Remembers every millisecond of the last second, so a transaction's ids stay in order between others' ids."""

_drawn: list[str] = []
_first_numbers: list[int] = []
"""Random ends and first numbers not yet used. Asking the system for each apart would be the dearest part of a request's
head, and releases the interpreter: in an app with other threads, each time costs 0.1 ms."""
_instants: OrderedDict[int, tuple[str, Iterator[int]]] = OrderedDict()
"""The letters of each recent millisecond, and the numbers of its ids."""
os.register_at_fork(after_in_child=_drawn.clear)
os.register_at_fork(after_in_child=_first_numbers.clear)
os.register_at_fork(after_in_child=_instants.clear)


def new_id(kind: str, now_ms: int) -> str:
    """A new id such as ``key_01JD7WZ2…`` that sorts by ``now_ms``, then after the ids this process made before.

    Safe in every thread without a lock: each step is one operation of a built-in type.
    """
    time_letters, numbers = _instants.get(now_ms) or _begin(now_ms)
    number = next(numbers)
    try:
        end = _drawn.pop()
    except IndexError:
        end = _draw()
    return f"{kind}_{time_letters}{_PAIRS[number >> 10 & 1023]}{_PAIRS[number & 1023]}{end}"


def id_prefix(kind: str, at_ms: int) -> str:
    """What every id of this kind and time begins with; sorts before them and after all earlier ones."""
    return f"{kind}_{_time_letters(at_ms)}"


def _begin(now_ms: int) -> tuple[str, Iterator[int]]:
    try:
        first_number = _first_numbers.pop()
    except IndexError:
        first_number = _draw_first_numbers()
    instant = _instants.setdefault(now_ms, (_time_letters(now_ms), count(first_number)))
    while len(_instants) > MAX_INSTANTS:  # `while`: two threads that add at once would stay one above for ever
        _instants.popitem(last=False)
    return instant


def _draw_first_numbers() -> int:
    mask = (1 << _FIRST_NUMBER_BITS) - 1
    numbers: list[int] = [
        number & mask for number in struct.unpack(f"{_DRAWN_AT_ONCE}I", os.urandom(4 * _DRAWN_AT_ONCE))
    ]
    _first_numbers.extend(numbers[1:])
    return numbers[0]


def _draw() -> str:
    letters = os.urandom(_RANDOM_LETTERS * _DRAWN_AT_ONCE).translate(_LETTER_OF_BYTE).decode()
    _drawn.extend(letters[at : at + _RANDOM_LETTERS] for at in range(_RANDOM_LETTERS, len(letters), _RANDOM_LETTERS))
    return letters[:_RANDOM_LETTERS]


def _time_letters(now_ms: int) -> str:
    """The 48 bits of time in front."""
    return f"{_high_letters(now_ms >> 20)}{_PAIRS[now_ms >> 10 & 1023]}{_PAIRS[now_ms & 1023]}"


@lru_cache(_CACHED_LETTERS)
def _high_letters(number: int) -> str:
    """The letters that stay the same for 17 minutes."""
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(25, -1, -5))


def is_id(kind: str, text: str) -> bool:
    """Whether ``text`` has the form of an id of this kind."""
    body = text.removeprefix(f"{kind}_")
    return len(body) == _LENGTH and len(body) < len(text) and all(letter in _ALPHABET for letter in body)
