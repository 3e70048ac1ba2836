"""Categories of characters, the same on every version of Python.

``unicodedata`` knows the characters of one version of Unicode: Python 3.11 calls an emoji of 2022 unassigned.
"""

import unicodedata

_PICTOGRAPHS = ((0x1F000, 0x1FAFF), (0x1FC00, 0x1FFFD))
"""Reserved for pictographs: Extended_Pictographic of https://www.unicode.org/reports/tr51/."""
_IDEOGRAPHS = ((0x20000, 0x2FFFD), (0x30000, 0x3FFFD))
"""The planes of Han ideographs: https://www.unicode.org/roadmaps/."""


def category(letter: str) -> str:
    """The general category; what Unicode may have added since counts as a symbol (So) or a letter (Lo)."""
    known = unicodedata.category(letter)
    if known != "Cn":
        return known
    number = ord(letter)
    if any(first <= number <= last for first, last in _PICTOGRAPHS):
        return "So"
    return "Lo" if any(first <= number <= last for first, last in _IDEOGRAPHS) else known
