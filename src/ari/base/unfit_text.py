"""Characters that logs don't keep: NUL, control characters, lone surrogates, and those that change text's direction."""

import re

_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def replace_unfit(text: str) -> str:
    """The text with U+FFFD in place of each such character."""
    return text if text.isascii() and text.isprintable() else _UNFIT.sub("\ufffd", text)
