"""Look at a database that is not trusted, and accept it as it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import inspect, select

from ari.base.audit import Head
from ari.base.caller import Caller
from ari.base.events import Event
from ari.base.ids import new_id
from ari.storage.audit_log.histories import find_lost
from ari.storage.database_errors import faults_as_unavailable, read_only
from ari.storage.engine import Database
from ari.storage.failover import facts
from ari.storage.failover.begin import begin_history, histories_in, new_history_id
from ari.storage.failover.record import Record, SeenEvent
from ari.storage.failover.replication import STATE, ReplicationState
from ari.storage.tables import database_history, events

MAX_LISTED = 50


@dataclass(frozen=True, slots=True)
class Standing:
    """A database next to what this node has seen. ``lost`` are the events that it lacks, oldest first."""

    histories: tuple[str, ...]
    head: SeenEvent | None
    record: Record | None
    lost: tuple[SeenEvent, ...]
    timeline: int | None
    replication: ReplicationState | None

    @property
    def is_trusted(self) -> bool:
        """Whether nodes with this record go on."""
        record = self.record
        if record is None or record.history in self.histories[:-1]:
            return True
        is_old = (self.timeline or 0) < (record.timeline or 0) and self.timeline is not None
        return record.history in self.histories[-1:] and record.head not in self.lost and not is_old


def look(database: Database) -> Standing:
    """Read the database's facts. It was opened without a check of its history. Raises ``Unavailable``."""
    record = database.history.record()
    listed = () if record is None else record.events
    with faults_as_unavailable(), read_only(database.main) as connection:
        known = set(inspect(connection).get_table_names())
        state = ReplicationState.of(connection.exec_driver_sql(STATE).one()) if database.shared else None
        if not {events.name, database_history.name} <= known:
            return Standing((), None, record, listed, database.history.timeline, state)
        t = events.c
        columns = (t.seq, t.id, t.hash, t.at_ms, t.name, t.subject)
        newest = connection.execute(select(*columns).order_by(t.seq.desc()).limit(1)).first()
        found = connection.execute(select(t.seq, t.hash).where(t.seq.in_([one.seq for one in listed])))
        lost = facts.find_lost({row.seq: row.hash for row in found}, listed)
        oldest = connection.execute(select(t.seq).order_by(t.seq).limit(1)).scalar() or 0
        return Standing(
            tuple(histories_in(connection)),
            None if newest is None else SeenEvent(*newest),
            record,
            tuple(one for one in lost if one.seq >= oldest),  # older ones were removed with their age
            database.history.timeline,
            state,
        )


def accept(database: Database, standing: Standing, caller: Caller, now_ms: int) -> None:
    """Begin a new history in the database, which all nodes follow, and write the event. Raises ``Unavailable``."""
    history, record = new_history_id(), standing.record
    detail = {
        "history": history,
        "replaces": None if record is None else record.history,
        "last_seen": None if record is None else record.head.id,
        "lost": [one.id for one in standing.lost[-MAX_LISTED:]],
    }
    event = Event(new_id("evt", now_ms), now_ms, "database_accepted", caller.actor, None, caller.origin, detail)
    with database.writing() as tx:
        begin_history(tx.events.connection, history, [] if record is None else [record.history])
        ended = find_lost(tx.events.marks, database.witness, database.master_keys)
        tx.events.append(event)
        tx.events.begin_history([_move_to_last(head, standing.lost) for head in ended])
        [head] = tx.events.appended
    with faults_as_unavailable(), database.history.file.lock():
        database.history.file.save(Record(history, head, None, standing.timeline, (head,)))


def _move_to_last(head: Head, lost: Sequence[SeenEvent]) -> Head:
    """The head at the position of the last lost event that this node knows of: other nodes may have written it."""
    ids = [one.id for one in lost]
    later = len(ids) - 1 - ids.index(head.event_id) if head.event_id in ids else 0
    return replace(head, position=head.position + later)
