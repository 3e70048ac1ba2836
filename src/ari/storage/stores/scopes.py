"""Declared scopes in SQL, and the keys that list them; implements ``keys.ports.ScopeStore``."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, and_, delete, func, literal, or_, select

from ari.keys.custom_scopes import CustomScope
from ari.keys.model import ApiKey
from ari.storage.dialect import insert
from ari.storage.stores.keys import COLUMNS, KEYS, is_active, key_of
from ari.storage.tables import api_keys, custom_scopes

_t, _k = custom_scopes.c, api_keys.c


class ScopeTables:
    """Scopes inside the transaction of ``connection``."""

    def __init__(self, connection: Connection, *, writing: bool) -> None:
        self._connection = connection
        self._writing = writing

    def names(self) -> frozenset[str]:
        return frozenset(self._connection.execute(select(_t.name)).scalars())

    def all(self) -> list[CustomScope]:
        found = [CustomScope(*row) for row in self._connection.execute(select(*_t))]
        return sorted(found, key=lambda scope: scope.name)  # the database's collation may differ

    def get(self, name: str) -> CustomScope | None:
        if not name.isprintable():  # PostgreSQL takes neither NUL nor surrogates
            return None
        row = self._connection.execute(select(*_t).where(_t.name == name)).first()
        return None if row is None else CustomScope(*row)

    def save(self, scope: CustomScope) -> None:
        row = insert(self._connection, custom_scopes).values(
            name=scope.name,
            description=scope.description,
            created_at_ms=scope.created_at_ms,
            created_by=scope.created_by,
        )
        self._connection.execute(
            row.on_conflict_do_update(index_elements=[_t.name], set_={"description": scope.description})
        )

    def remove(self, name: str) -> None:
        self._connection.execute(delete(custom_scopes).where(_t.name == name))

    def list_holders(
        self, listed: Collection[str], now_ms: int, before_id: str | None = None, limit: int | None = None
    ) -> list[ApiKey]:
        between_spaces = literal(" ").concat(_k.scopes).concat(" ")
        lists_one = or_(*(between_spaces.contains(f" {text} ", autoescape=True) for text in listed))
        query = select(*COLUMNS).select_from(KEYS).where(_counts(now_ms), lists_one).order_by(_k.id.desc()).limit(limit)
        if before_id is not None:
            query = query.where(_k.id < before_id)
        locked = query.with_for_update(of=api_keys) if self._writing else query
        return [key_of(row) for row in self._connection.execute(locked)]

    def count_by_list(self, now_ms: int) -> dict[tuple[str, ...], int]:
        query = select(_k.scopes, func.count()).where(_counts(now_ms)).group_by(_k.scopes)
        return {tuple(listed.split()): number for listed, number in self._connection.execute(query)}


def _counts(now_ms: int) -> ColumnElement[bool]:
    return and_(_k.deleted_at_ms.is_(None), is_active(now_ms))
