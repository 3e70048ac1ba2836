"""The secrets of API keys in SQL; implements ``keys.ports.KeySecretStore``."""

from sqlalchemy import Connection, select, update

from ari.keys.model import KeySecret
from ari.storage.stores.keys import SECRET_COLUMNS
from ari.storage.tables import key_secrets

_s = key_secrets.c


class KeySecretTables:
    """Secrets inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list_secrets(self, key_id: str, limit: int) -> list[KeySecret]:
        query = select(*SECRET_COLUMNS).where(_s.key_id == key_id).order_by(_s.number.desc()).limit(limit)
        return [KeySecret(*row) for row in self._connection.execute(query)]

    def get_secret(self, key_id: str, number: int) -> KeySecret | None:
        query = select(*SECRET_COLUMNS).where(_s.key_id == key_id, _s.number == number)
        row = self._connection.execute(query).first()
        return None if row is None else KeySecret(*row)

    def add_secret(self, key_id: str, secret: KeySecret, digest: bytes) -> None:
        self._connection.execute(
            key_secrets.insert().values(
                digest=digest,
                key_id=key_id,
                number=secret.number,
                scheme=secret.scheme,
                hint=secret.hint,
                created_at_ms=secret.created_at_ms,
                retires_at_ms=secret.retires_at_ms,
            )
        )

    def save_secret(self, key_id: str, secret: KeySecret) -> None:
        times = {"retires_at_ms": secret.retires_at_ms, "retired_seen_at_ms": secret.retired_seen_at_ms}
        which = _s.key_id == key_id, _s.number == secret.number
        self._connection.execute(update(key_secrets).where(*which).values(**times))
