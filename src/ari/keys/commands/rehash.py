"""Replace the salted hash of an imported key by ARI's own when the key is first used."""

from ari.keys import token
from ari.keys.events import record_key
from ari.keys.imports import foreign_tokens
from ari.keys.ports import ImportTransaction, SaltedSecret


def list_salted(tx: ImportTransaction, text: bytes) -> list[SaltedSecret]:
    """The secrets that this key may be, by the id with which it begins; one of each scheme at most."""
    return foreign_tokens.choose_salted(tx.imports.list_salted(foreign_tokens.list_ids(text)), text)


def rehash(tx: ImportTransaction, secret: SaltedSecret, text: bytes) -> None:
    """Store the digest of ``text``, which has this salted hash. A repeat changes nothing."""
    key = tx.imports.set_digest(secret, token.digest(text))
    if key is not None:
        record_key(tx, "key_rehashed", key, {"name": key.name})
