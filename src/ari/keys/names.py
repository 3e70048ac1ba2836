"""Names and reasons that people type: what is allowed, and when two look the same (security.md 15)."""

import unicodedata

from ari.base.errors import Invalid, Problem
from ari.base.secrets_in_text import looks_like_key

NAME_LENGTH = 100
REASON_LENGTH = 500

_REFUSED_CATEGORIES = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
_BIDI_CONTROLS = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def checked_name(text: str) -> str:
    """The name trimmed and in NFC. Raises ``Invalid``."""
    name = _checked("name", text, NAME_LENGTH)
    if not name:
        raise Invalid(Problem("name", "Give the key a name that says what uses it."))
    return name


def checked_reason(text: str | None) -> str | None:
    """The reason trimmed and in NFC, ``None`` if it says nothing. Raises ``Invalid``."""
    return None if text is None else _checked("reason", text, REASON_LENGTH) or None


def folded(name: str) -> str:
    """Two names that look alike fold to the same text."""
    return unicodedata.normalize("NFKC", name).casefold()


def _checked(field: str, text: str, length: int) -> str:
    clean = unicodedata.normalize("NFC", text.strip())
    if len(clean) > length:
        raise Invalid(Problem(field, f"Use at most {length} characters."))
    if any(unicodedata.category(letter) in _REFUSED_CATEGORIES or letter in _BIDI_CONTROLS for letter in clean):
        raise Invalid(Problem(field, "Use letters, digits, signs and spaces; control characters are not allowed."))
    if looks_like_key(clean):
        raise Invalid(Problem(field, "This looks like a key; a secret does not belong here."))
    return clean
