"""Find a key in the data directory by what people type."""

from ari import keys
from ari.base.ids import is_id
from ari.cli.key_reference import parse_hint, require_one
from ari.keys.model import ApiKey
from ari.keys.names import fold_name
from ari.keys.ports import KeyTransaction

_PAGE = 200


def find_key(tx: KeyTransaction, text: str, *, even_deleted: bool = False) -> ApiKey:
    """The key with this ID or, if only one key has it, this prefix or name. Raises ``NotFound`` or ``Invalid``.

    A name of several keys is that of the only one which is neither revoked nor expired, if there is one.
    ``even_deleted`` also finds a deleted key, by its ID.
    """
    if is_id("key", text):
        return keys.get_even_deleted(tx, text) if even_deleted else keys.get(tx, text)
    hint = parse_hint(text)
    listed = _list_all(tx)
    matches = [key for key in listed if key.hint == hint]
    if not matches:
        matches = [key for key in listed if fold_name(key.name) == fold_name(text)]
        matches = [key for key in matches if not key.is_inactive(tx.now_ms)] or matches
    require_one([key.id for key in matches])
    return matches[0]


def _list_all(tx: KeyTransaction) -> list[ApiKey]:
    listed: list[ApiKey] = []
    while page := keys.get_page(tx, "all", listed[-1].id if listed else None, _PAGE):
        listed += page
    return listed
