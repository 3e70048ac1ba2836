"""Keys of other systems in SQL; implements ``keys.ports.ImportStore``."""

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from ari.keys.model import ApiKey, ImportedKey
from ari.keys.ports import SaltedSecret
from ari.storage.dialect import insert_many
from ari.storage.stores.keys import KeyTables, key_row
from ari.storage.tables import api_keys, key_secrets, key_tags

_s = key_secrets.c
_ASKED_AT_ONCE = 500


class ImportedKeyTables:
    """Imported keys inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, imported: Sequence[ImportedKey]) -> None:
        insert_many(self._connection, api_keys, [key_row(one.key) for one in imported])
        insert_many(self._connection, key_secrets, [_secret_row(one) for one in imported])
        tags = [{"tag": tag, "key_id": one.key.id} for one in imported for tag in one.key.tags]
        insert_many(self._connection, key_tags, tags)

    def find_digests(self, digests: Sequence[bytes]) -> set[bytes]:
        found: set[bytes] = set()
        for start in range(0, len(digests), _ASKED_AT_ONCE):
            some = digests[start : start + _ASKED_AT_ONCE]
            found.update(self._connection.execute(select(_s.digest).where(_s.digest.in_(some))).scalars())
        return found

    def find_foreign_ids(self, scheme: str, foreign_ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(foreign_ids), _ASKED_AT_ONCE):
            these = _s.foreign_id.in_(foreign_ids[start : start + _ASKED_AT_ONCE])
            found.update(self._connection.execute(select(_s.foreign_id).where(these, _s.scheme == scheme)).scalars())
        return found

    def has_salted(self) -> bool:
        query = select(_s.digest).where(_s.foreign_id.is_not(None), _s.foreign_hash.is_not(None)).limit(1)
        return self._connection.execute(query).first() is not None

    def list_salted(self, foreign_ids: Sequence[str]) -> list[SaltedSecret]:
        query = select(_s.digest, _s.foreign_hash, _s.foreign_id)
        query = query.where(_s.foreign_id.in_(foreign_ids), _s.foreign_hash.is_not(None))
        return [SaltedSecret(row.digest, row.foreign_hash, row.foreign_id) for row in self._connection.execute(query)]

    def set_digest(self, secret: SaltedSecret, digest: bytes) -> ApiKey | None:
        keys = KeyTables(self._connection, writing=True)
        if keys.find(digest) is not None:
            return None
        this = update(key_secrets).where(_s.digest == secret.placeholder, _s.foreign_hash.is_not(None))
        self._connection.execute(this.values(digest=digest, foreign_hash=None))
        return keys.find(digest)


def _secret_row(one: ImportedKey) -> dict[str, object]:
    return {
        "digest": one.digest,
        "key_id": one.key.id,
        "number": one.secret.number,
        "scheme": one.secret.scheme,
        "hint": one.secret.hint,
        "created_at_ms": one.secret.created_at_ms,
        "foreign_id": one.secret.foreign_id,
        "foreign_hash": one.foreign_hash,
    }
