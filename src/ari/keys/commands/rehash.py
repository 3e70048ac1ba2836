"""Replace the salted hash of an imported key by ARI's own when the key is first used."""

from ari.keys import token
from ari.keys.events import record_key
from ari.keys.ports import ImportTransaction, SaltedSecret


def list_salted(tx: ImportTransaction, foreign_id: str) -> list[SaltedSecret]:
    """The secrets that a key with this id may have; one, unless a database was edited."""
    return tx.imports.list_salted(foreign_id)


def rehash(tx: ImportTransaction, secret: SaltedSecret, text: bytes) -> None:
    """Store the digest of ``text``, which has this salted hash. A repeat changes nothing."""
    key = tx.imports.set_digest(secret, token.digest(text))
    if key is not None:
        record_key(tx, "key_rehashed", key, {"name": key.name})
