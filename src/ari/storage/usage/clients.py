"""The clients of keys: the addresses and user agents each key was used from. ``rollups.py`` counts them."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from sqlalchemy import Connection, delete, select, tuple_

from ari.storage.tables import usage_seen
from ari.usage.model import KeyClient

Kind = Literal["address", "user_agent"]

_seen = usage_seen.c
_KEY = usage_seen.primary_key.columns


class Name(NamedTuple):
    """The primary key."""

    key_id: str
    kind: str
    value: str


def clients_of(connection: Connection, key_id: str, kind: Kind, limit: int) -> list[KeyClient]:
    """Last seen first."""
    query = (
        select(_seen.value, *usage_seen.columns[3:])
        .where(_seen.key_id == key_id, _seen.kind == kind)
        .order_by(_seen.last_seen_at_ms.desc(), _seen.value)
        .limit(limit)
    )
    return [KeyClient(*row) for row in connection.execute(query)]


def slice_after(connection: Connection, name: Name | None, limit: int) -> list[tuple[Name, int]]:
    """The next ones in the order of the primary key, and when each was last seen."""
    query = select(*_KEY, _seen.last_seen_at_ms).order_by(*_KEY).limit(limit)
    if name is not None:
        query = query.where(tuple_(*_KEY) > tuple_(*name))
    return [(Name(*row[:3]), row[3]) for row in connection.execute(query)]


def remove(connection: Connection, names: Sequence[Name], before_ms: int) -> None:
    """Remove those from the first of these names to the last that were not seen since ``before_ms``."""
    span = tuple_(*_KEY) >= tuple_(*names[0]), tuple_(*_KEY) <= tuple_(*names[-1])
    connection.execute(delete(usage_seen).where(*span, _seen.last_seen_at_ms < before_ms))
