"""How people name a key: by its ID, by the prefix that lists show, or by a name that only one key has."""

from collections.abc import Sequence

from ari.base.errors import Invalid, NotFound, Problem
from ari.keys import token

_WHOLE = "Use the key's ID, prefix or name, not the key itself (it would stay in your shell history)."
_MAX_LISTED = 5


def parse_hint(text: str) -> str:
    """The prefix as keys have it. Raises ``Invalid`` for a whole key."""
    looks_whole = len(text) == token.LENGTH and text.startswith(token.PREFIX)
    if looks_whole or token.is_token(text.encode(errors="replace")):
        raise Invalid(Problem("id", _WHOLE))
    return text.replace("...", "…")


def require_one(key_ids: Sequence[str]) -> None:
    """Raise ``NotFound`` or ``Invalid`` unless exactly one key matches."""
    if len(key_ids) > 1:
        listed = ", ".join(key_ids[:_MAX_LISTED]) + (", …" if len(key_ids) > _MAX_LISTED else "")
        raise Invalid(Problem("id", f"{len(key_ids)} keys match. Use one of these IDs: {listed}."))
    if not key_ids:
        raise NotFound("No such key. Run ari keys list to see IDs.")
