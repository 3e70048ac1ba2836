"""Encrypted secrets in the keys database; the master key is never in it."""

import json

from sqlalchemy import ColumnElement, Connection, and_, delete, select

from ari.base.seal import Context, Sealed
from ari.storage.dialect import insert, lock_sealing
from ari.storage.tables import audit_marks, sealed_secrets

_t = sealed_secrets.c


class SealedTable:
    """Implements ``base.seal.SealedStore`` inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self) -> None:
        lock_sealing(self._connection)

    def get(self, kind: str, subject: str) -> Sealed | None:
        found = self._read(and_(_t.kind == kind, _t.subject == subject))
        return found[0] if found else None

    def put(self, sealed: Sealed) -> None:
        context = sealed.context
        kept = {"parts": json.dumps(context.parts), "envelope": sealed.envelope}
        row = insert(self._connection, sealed_secrets).values(kind=context.kind, subject=context.subject, **kept)
        self._connection.execute(row.on_conflict_do_update(index_elements=["kind", "subject"], set_=kept))

    def drop(self, kind: str, subject: str) -> None:
        self._connection.execute(delete(sealed_secrets).where(_t.kind == kind, _t.subject == subject))

    def has_signed_log(self) -> bool:
        return self._connection.execute(select(audit_marks.c.name).limit(1)).first() is not None

    def all(self) -> list[Sealed]:
        return self._read(_t.kind.is_not(None))

    def _read(self, condition: ColumnElement[bool]) -> list[Sealed]:
        query = select(_t.kind, _t.subject, _t.parts, _t.envelope).where(condition).order_by(_t.kind, _t.subject)
        return [
            Sealed(Context(row.kind, row.subject, tuple(json.loads(row.parts))), row.envelope)
            for row in self._connection.execute(query)
        ]
