"""What somebody does to the audit log who may write the database but does not have the master key."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, text

from ari import keys
from ari.base.audit import FIRST, Cut
from ari.base.events import Event, Origin, chain_hash
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import NewKey


def create(instance: Instance, name: str) -> str:
    """A key, which is one event; its id."""
    new = NewKey(name)
    return Deps(instance).do_sync(keys.create, new).key.id


@contextmanager
def unlocked(instance: Instance) -> Iterator[Connection]:
    """A transaction without ARI's triggers.

    Afterwards the node has no memory of events of its own (``storage.failover``), as a node of the forger's choice.
    """
    instance.database.history.trusting = True
    with instance.database.main.begin() as connection:
        if connection.dialect.name == "sqlite":
            query = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
            triggers = [tuple(row) for row in connection.execute(text(query))]
            for name, _ in triggers:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
            yield connection
            for _, sql in triggers:
                connection.exec_driver_sql(sql)
        else:
            for table in ("events", "audit_marks"):
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            yield connection
            for table in ("events", "audit_marks"):
                connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))


def rechain(connection: Connection) -> None:
    """Compute every hash again, from the cut on, so that the chain follows."""
    cut = connection.execute(text("SELECT statement FROM audit_marks WHERE name = 'cut'")).scalar()
    known = None if cut is None else Cut.parse(cut)
    last = FIRST if known is None else known.hash
    for row in connection.execute(text("SELECT * FROM events ORDER BY seq")).mappings().all():
        last = chain_hash(last, _event(dict(row)))
        connection.execute(text("UPDATE events SET hash = :hash WHERE seq = :seq"), {"hash": last, "seq": row["seq"]})


def _event(row: dict[str, Any]) -> Event:
    origin = Origin(row["door"], row["client_address"], row["user_agent"], row["request_id"])
    detail = json.loads(row["detail"])
    return Event(row["id"], row["at_ms"], row["name"], row["actor"], row["subject"], origin, detail)
