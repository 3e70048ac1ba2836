"""Begins a new history: after a restore, and when an operator accepts a database that lost changes."""

import time
from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from ari.base.ids import new_id
from ari.storage.tables import database_history

MAX_HISTORIES = 100


def new_history_id() -> str:
    """A name for the history that begins now."""
    return new_id("his", time.time_ns() // 1_000_000)


def histories_in(connection: Connection) -> list[str]:
    """The ids of the histories that led to this database, the present one last."""
    query = select(database_history.c.id).order_by(database_history.c.position)
    return list(connection.execute(query).scalars())


def begin_history(connection: Connection, history: str, *replaced: Sequence[str]) -> None:
    """Make ``history`` the present one: nodes that know one of the ``replaced`` ids follow it without asking."""
    known = [*(one for ids in replaced for one in ids), *histories_in(connection)]
    ids = [*list(dict.fromkeys(known))[-(MAX_HISTORIES - 1) :], history]
    connection.execute(delete(database_history))
    connection.execute(
        database_history.insert(), [{"position": position, "id": one} for position, one in enumerate(ids, 1)]
    )
