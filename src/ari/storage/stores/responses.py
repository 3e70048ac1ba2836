"""Requests with an Idempotency-Key that have a response; the responses are among the encrypted secrets."""

from dataclasses import asdict

from sqlalchemy import Connection, delete, select

from ari.base.idempotency import RESPONSE_KIND, StoredResponse, context_of
from ari.storage.dialect import insert
from ari.storage.tables import idempotent_responses, sealed_secrets

_t = idempotent_responses.c


class ResponseTable:
    """Fulfills ``base.idempotency.ResponseStore`` inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, digest: bytes) -> StoredResponse | None:
        row = self._connection.execute(select(idempotent_responses).where(_t.digest == digest)).first()
        return None if row is None else StoredResponse(*row)

    def put(self, response: StoredResponse) -> None:
        row = insert(self._connection, idempotent_responses).values(**asdict(response))
        kept = {"body_digest": response.body_digest, "expires_at_ms": response.expires_at_ms}
        self._connection.execute(row.on_conflict_do_update(index_elements=["digest"], set_=kept))

    def forget_expired(self, now_ms: int) -> int:
        """Remove the expired ones with their encrypted responses. Returns how many."""
        expired = select(_t.digest).where(_t.expires_at_ms <= now_ms)
        digests = [row.digest for row in self._connection.execute(expired)]
        if digests:
            subjects = [context_of(digest).subject for digest in digests]
            sealed = sealed_secrets.c.kind == RESPONSE_KIND, sealed_secrets.c.subject.in_(subjects)
            self._connection.execute(delete(sealed_secrets).where(*sealed))
            self._connection.execute(delete(idempotent_responses).where(_t.digest.in_(digests)))
        return len(digests)

    def forget_all(self) -> None:
        self._connection.execute(delete(sealed_secrets).where(sealed_secrets.c.kind == RESPONSE_KIND))
        self._connection.execute(delete(idempotent_responses))
