"""Names and reasons that people type: what is allowed, and when two look the same (security.md 15)."""

import unicodedata

from ari.base.characters import category
from ari.base.errors import Invalid, Problem
from ari.base.secrets_in_text import looks_like_key
from ari.keys.look_alikes import is_visible

NAME_LENGTH = 100
REASON_LENGTH = 200

_SAYS_NOTHING = {
    *("a", "aa", "aaa", "abc", "api", "apikey", "asdf", "asdfg", "ari", "bla", "default", "demo", "dev", "foo", "bar"),
    *(
        "baz",
        "foobar",
        "hello",
        "key",
        "mykey",
        "name",
        "new",
        "newkey",
        "noname",
        "prod",
        "qwerty",
        "qwertz",
        "secret",
    ),
    *("temp", "test", "testapi", "testing", "testkey", "thing", "tmp", "token", "untitled", "x", "xx", "xxx", "xyz"),
}
_FILLERS = {"a", "an", "another", "api", "ari", "first", "key", "keys", "my", "new", "old", "second", "the", "token"}
_REFUSED_CATEGORIES = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
_BYTE_ORDER_MARK = "\ufeff"
"""Begins files and what is copied from them. It is invisible, and readers of an export drop it."""
_INVISIBLE_CONTROLS = {*"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", _BYTE_ORDER_MARK}
"""Those of direction (UAX #9), and the byte order mark in the middle."""
EMPTY_NAME = "Enter a name that says what uses the key."


def parse_name(text: str) -> str:
    """The name trimmed and in NFC. Raises ``Invalid``."""
    name = parse_text("name", text, NAME_LENGTH)
    if not name:
        raise Invalid(Problem("name", EMPTY_NAME))
    if not is_visible(name):
        raise Invalid(Problem("name", "This name is invisible. Enter a name people can see."))
    return name


def parse_reason(text: str | None) -> str | None:
    """The reason trimmed and in NFC, ``None`` if it says nothing. Raises ``Invalid``."""
    if text is None:
        return None
    reason = parse_text("reason", text, REASON_LENGTH)
    return reason if is_visible(reason) else None


def fold_name(name: str) -> str:
    """Names that differ in case, width or ligatures fold to the same text."""
    return unicodedata.normalize("NFKC", name).casefold()


def is_vague(name: str) -> bool:
    """Whether a name doesn't say what uses the key: "key", "test 2", "my new key", "asdf"."""
    words = "".join(letter if letter.isalpha() else " " for letter in fold_name(name)).split()
    telling = [word for word in words if word not in _FILLERS]
    return len(telling) <= 1 and "".join(telling) in _SAYS_NOTHING | {""} and bool(name.strip())


def is_empty_text(text: str) -> bool:
    """Whether nobody could see this text."""
    return not is_visible(text)


def parse_text(field: str, text: str, length: int) -> str:
    """The text in NFC, without spaces and byte order marks around it. Raises ``Invalid`` for the field."""
    clean = unicodedata.normalize("NFC", text.strip().strip(_BYTE_ORDER_MARK).strip())
    if len(clean) > length:
        raise Invalid(Problem(field, f"Use at most {length} characters."))
    if any(category(letter) in _REFUSED_CATEGORIES or letter in _INVISIBLE_CONTROLS for letter in clean):
        raise Invalid(Problem(field, "Use letters, digits, punctuation and spaces. Control characters aren't allowed."))
    if looks_like_key(clean):
        raise Invalid(Problem(field, "This looks like a key. Don't enter secrets here."))
    return clean
