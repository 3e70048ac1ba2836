"""Find a key in the data directory by what people type."""

from ari import keys
from ari.base.ids import is_id
from ari.cli.key_reference import parse_hint, require_one
from ari.keys.listing import KeyListTransaction, list_named
from ari.keys.model import ApiKey


def find_key(tx: KeyListTransaction, text: str, *, even_deleted: bool = False) -> ApiKey:
    """The key with this ID or, if only one key has it, this prefix or name. Raises ``NotFound`` or ``Invalid``.

    ``even_deleted`` also finds a deleted key, by its ID.
    """
    if is_id("key", text):
        return keys.get_even_deleted(tx, text) if even_deleted else keys.get(tx, text)
    matches = list_named(tx, parse_hint(text))
    require_one([key.id for key in matches])
    return matches[0]
