"""From where keys were used and by what: counts, first and last seen, kept in the commit of their rows."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, and_, delete, select, tuple_

from ari.storage.bulk import insert_rows
from ari.storage.tables import usage_seen
from ari.usage.floods import SeenValues
from ari.usage.model import OTHERS, Seen, UsageRow

Kind = Literal["address", "user_agent"]

_seen = usage_seen.c
_KEY = usage_seen.primary_key.columns
_NAMES = tuple(_seen.keys())
ADD_SEEN = """ON CONFLICT (key_id, kind, value) DO UPDATE SET
    accepted_count = usage_seen.accepted_count + excluded.accepted_count,
    refused_count = usage_seen.refused_count + excluded.refused_count,
    first_seen_at_ms = CASE WHEN excluded.first_seen_at_ms < usage_seen.first_seen_at_ms
        THEN excluded.first_seen_at_ms ELSE usage_seen.first_seen_at_ms END,
    last_seen_at_ms = CASE WHEN excluded.last_seen_at_ms > usage_seen.last_seen_at_ms
        THEN excluded.last_seen_at_ms ELSE usage_seen.last_seen_at_ms END"""


class Name(NamedTuple):
    """The primary key."""

    key_id: str
    kind: str
    value: str


class SeenCounter:
    """Remembers what was told apart today, so that one key cannot fill the table."""

    def __init__(self) -> None:
        self._addresses = SeenValues()
        self._agents = SeenValues()

    def count(self, connection: Connection, added: Iterable[tuple[UsageRow, int]]) -> None:
        """Add what each row added to the log, under its address and under its user agent."""
        found: dict[tuple[str, str, str], list[int]] = {}
        for row, count in added:
            if not count:
                continue
            key_id, at_ms = row.key_id, row.at_ms
            place = 0 if row.accepted else 1
            for name in (
                (key_id, "address", self._addresses.bucket_for(key_id, row.client_address, at_ms)),
                (key_id, "user_agent", self._agents.bucket_for(key_id, row.user_agent, at_ms)),
            ):
                seen = found.get(name)
                if seen is None:
                    seen = found[name] = [0, 0, at_ms, at_ms]
                seen[place] += count
                if at_ms < seen[2]:
                    seen[2] = at_ms
                elif at_ms > seen[3]:
                    seen[3] = at_ms
        _add(connection, sorted((*name, *seen) for name, seen in found.items()))

    def count_new(self, connection: Connection, new: Iterable[Sequence[Any]]) -> None:
        """Add counts of what keys were not seen by before: rows of ``usage_seen``, of one kind."""
        found: dict[tuple[str, str, str], tuple[int, int, int, int]] = {}
        for key_id, kind, value, accepted, refused, first_ms, last_ms in new:
            values = self._addresses if kind == "address" else self._agents
            name = (key_id, kind, OTHERS if value == OTHERS else values.bucket_for(key_id, value, last_ms))
            one = (int(accepted), int(refused), first_ms, last_ms)
            other = found.get(name, (0, 0, first_ms, last_ms))
            found[name] = (one[0] + other[0], one[1] + other[1], min(one[2], other[2]), max(one[3], other[3]))
        _add(connection, sorted((*name, *seen) for name, seen in found.items()))


def seen_by(connection: Connection, key_id: str, kind: Kind, limit: int) -> list[Seen]:
    """Last seen first."""
    query = (
        select(_seen.value, *usage_seen.columns[3:])
        .where(_seen.key_id == key_id, _seen.kind == kind)
        .order_by(_seen.last_seen_at_ms.desc(), _seen.value)
        .limit(limit)
    )
    return [Seen(*row) for row in connection.execute(query)]


def addresses_among(connection: Connection, addresses: Sequence[str]) -> list[Name]:
    """Under which names any of these addresses stands, in the order of the primary key. Reads the whole table."""
    query = select(*_KEY).where(_seen.kind == "address", _seen.value.in_(addresses))
    return sorted(Name(*row) for row in connection.execute(query))


def move_to_others(connection: Connection, names: Sequence[Name]) -> None:
    """Add these counts to the others', one by one in the order in which commits lock them."""
    for name in names:
        this = and_(*(column == value for column, value in zip(_KEY, name, strict=True)))
        row = connection.execute(select(usage_seen).where(this).with_for_update()).first()
        if row is not None:
            connection.execute(delete(usage_seen).where(this))
            _add(connection, [(name.key_id, name.kind, OTHERS, *row[3:])])


def slice_after(connection: Connection, name: Name | None, limit: int) -> list[tuple[Name, int]]:
    """The next few in the order of the primary key, with when they were last seen."""
    query = select(*_KEY, _seen.last_seen_at_ms).order_by(*_KEY).limit(limit)
    if name is not None:
        query = query.where(tuple_(*_KEY) > tuple_(*name))
    return [(Name(*row[:3]), row[3]) for row in connection.execute(query)]


def remove(connection: Connection, names: Sequence[Name], before_ms: int) -> None:
    """Forget those that were not seen since, from the first of these names to the last, in the order of the primary
    key."""
    span = tuple_(*_KEY) >= tuple_(*names[0]), tuple_(*_KEY) <= tuple_(*names[-1])
    connection.execute(delete(usage_seen).where(*span, _seen.last_seen_at_ms < before_ms))


def _add(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    insert_rows(connection, usage_seen, _NAMES, rows, ADD_SEEN)
