"""Advice that the owner dismissed; implements ``usage.hygiene.Dismissals``."""

from collections.abc import Mapping

from sqlalchemy import Connection, delete, select

from ari.storage.bulk import insert_rows
from ari.storage.tables import dismissals
from ari.usage.advice import Kind

_t = dismissals.c
_COLUMNS = ("kind", "key_id", "fact", "at_ms")


class DismissalTables:
    """Dismissals inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> dict[tuple[str, str], str]:
        query = select(_t.kind, _t.key_id, _t.fact)
        return {(kind, key_id): fact for kind, key_id, fact in self._connection.execute(query)}

    def replace(self, kind: Kind, facts: Mapping[str, str], now_ms: int) -> None:
        self._connection.execute(delete(dismissals).where(_t.kind == kind))
        rows = [(kind, key_id, fact, now_ms) for key_id, fact in sorted(facts.items())]
        insert_rows(self._connection, dismissals, _COLUMNS, rows)
