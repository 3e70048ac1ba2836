"""Kinds of keys in SQL; implements ``keys.ports.KindStore``."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, select

from ari.keys.kinds import Kind, KindDefaults
from ari.storage.dialect import insert
from ari.storage.tables import api_keys, key_kinds

_t = key_kinds.c


class KindTable:
    """Kinds inside the transaction of ``connection``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[Kind]:
        found = map(_kind_of, self._connection.execute(select(*_t)))
        return sorted(found, key=lambda kind: kind.name)  # the database's collation may differ

    def get(self, name: str) -> Kind | None:
        if not name.isprintable():  # PostgreSQL takes neither NUL nor surrogates
            return None
        row = self._connection.execute(select(*_t).where(_t.name == name)).first()
        return None if row is None else _kind_of(row)

    def save(self, kind: Kind) -> None:
        changeable = {"description": kind.description, "defaults": msgspec.json.encode(kind.defaults).decode()}
        made = {"prefix": kind.prefix, "created_at_ms": kind.created_at_ms, "created_by": kind.created_by}
        row = insert(self._connection, key_kinds).values(name=kind.name, **made, **changeable)
        self._connection.execute(row.on_conflict_do_update(index_elements=[_t.name], set_=changeable))

    def remove(self, name: str) -> None:
        self._connection.execute(delete(key_kinds).where(_t.name == name))

    def count_keys(self, name: str) -> int:
        query = select(func.count()).select_from(api_keys)
        return self._connection.execute(
            query.where(api_keys.c.kind == name, api_keys.c.deleted_at_ms.is_(None))
        ).scalar_one()

    def count_by_kind(self) -> dict[str, int]:
        kind = api_keys.c.kind
        query = select(kind, func.count()).where(kind.is_not(None), api_keys.c.deleted_at_ms.is_(None)).group_by(kind)
        return {str(name): int(count) for name, count in self._connection.execute(query)}


def _kind_of(row: Row[Any]) -> Kind:
    defaults = msgspec.json.decode(row.defaults, type=KindDefaults)
    return Kind(row.name, row.prefix, row.description, defaults, row.created_at_ms, row.created_by)
