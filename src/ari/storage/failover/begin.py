"""Begins a new history: after a restore, and when an operator accepts a database that lost changes."""

import json
import time
from collections.abc import Sequence

from sqlalchemy import Connection, select

from ari.base.ids import new_id
from ari.storage.dialect import insert
from ari.storage.failover.facts import MAX_HISTORIES, NOTE
from ari.storage.tables import notes


def histories_in(connection: Connection) -> list[str]:
    """The ids of the histories that led to this database, the present one last."""
    note = connection.execute(select(notes.c.value).where(notes.c.name == NOTE)).scalar()
    return [] if note is None else [str(one) for one in json.loads(note)]


def new_history_id() -> str:
    """A name for the history that begins now."""
    return new_id("his", time.time_ns() // 1_000_000)


def begin_history(connection: Connection, new_id: str, *replaced: Sequence[str]) -> None:
    """Make ``new_id`` the present history: nodes that know one of the ``replaced`` ids follow it without asking."""
    known = [*histories_in(connection), *(one for ids in replaced for one in ids)]
    ids = [one for one in dict.fromkeys(known) if one != new_id][-(MAX_HISTORIES - 1) :]
    row = insert(connection, notes).values(name=NOTE, value=json.dumps([*ids, new_id]))
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": row.excluded.value}))
