"""How people name a key: by its ID or by the prefix that lists show."""

from ari.base.errors import Invalid, NotFound, Problem
from ari.keys import token

_WHOLE = "Use the key's ID or prefix, not the key itself (it would stay in your shell history)."


def parse_hint(text: str) -> str:
    """The prefix as keys have it. Raises ``Invalid`` for a whole key."""
    looks_whole = len(text) == token.LENGTH and text.startswith(token.PREFIX)
    if looks_whole or token.is_token(text.encode(errors="replace")):
        raise Invalid(Problem("id", _WHOLE))
    return text.replace("...", "…")


def require_one(matches: int) -> None:
    """Raise ``NotFound`` or ``Invalid`` unless exactly one key matches."""
    if matches > 1:
        raise Invalid(Problem("id", "Several keys match; use the ID."))
    if not matches:
        raise NotFound("No such key. Run ari keys list to see IDs.")
