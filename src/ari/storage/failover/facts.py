"""Facts about the server of a connection, read in one statement and compared with what the node has seen."""

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from ari.storage.failover.record import SeenEvent

_HEAD = "(SELECT seq, id, hash, at_ms, name, subject FROM events ORDER BY seq DESC LIMIT 1)"
_COMMON = f"""(SELECT {{1}} FROM (SELECT id FROM database_history ORDER BY position) AS ids),
    (SELECT hash FROM events WHERE seq = {{0}}), (SELECT min(seq) FROM events), head.*
    FROM (SELECT 1) AS one LEFT JOIN {_HEAD} AS head ON 1 = 1"""  # noqa: S608 - our own names
_TIMELINE = """CASE WHEN pg_is_in_recovery() THEN NULL
    ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END"""
_SYSTEM = "(SELECT system_identifier::text FROM pg_control_system())"

POSTGRESQL = f"SELECT pg_is_in_recovery(), {_SYSTEM}, {_TIMELINE}, {_COMMON}".format("%s", "string_agg(id, ',')")
POSTGRESQL_WITHOUT_CONTROL = f"SELECT pg_is_in_recovery(), NULL, NULL, {_COMMON}".format("%s", "string_agg(id, ',')")
"""For a server whose administrator keeps the control functions from ARI's role."""
SQLITE = f"SELECT 0, NULL, NULL, {_COMMON}".format("?", "group_concat(id)")
RECENT = "SELECT seq, id, hash, at_ms, name, subject FROM events WHERE seq > %s ORDER BY seq LIMIT 200"
KEPT = "SELECT seq, hash FROM events WHERE seq = ANY(%s)"


class ServerFacts(NamedTuple):
    """One snapshot of a server and of the audit log in it."""

    in_recovery: bool
    system: str | None
    timeline: int | None
    histories: tuple[str, ...]
    """Empty: there are no tables of this version."""
    hash_asked_for: str | None
    oldest_seq: int | None
    head: SeenEvent | None

    @classmethod
    def of(cls, row: Sequence[Any]) -> "ServerFacts":
        """From a row of the statements above."""
        in_recovery, system, timeline, histories, found, oldest, *head = row
        return cls(
            bool(in_recovery),
            system,
            timeline,
            tuple(histories.split(",")) if histories else (),
            found,
            oldest,
            None if head[0] is None else SeenEvent(*head),
        )


NO_TABLES = ServerFacts(False, None, None, (), None, None, None)


def read_sqlite(connection: sqlite3.Connection, seq: int) -> ServerFacts:
    """Of the keys database. Raises ``sqlite3.Error``."""
    try:
        [row] = connection.execute(SQLITE, (seq,)).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return NO_TABLES
        raise
    return ServerFacts.of(row)


def find_lost_in_sqlite(connection: sqlite3.Connection, events: Sequence[SeenEvent]) -> list[SeenEvent]:
    """Which of these events the database does not hold."""
    try:
        return [
            event
            for event in events
            if connection.execute("SELECT hash FROM events WHERE seq = ?", (event.seq,)).fetchone() != (event.hash,)
        ]
    except sqlite3.OperationalError:
        return list(events)


def find_lost(kept: dict[int, str], events: Sequence[SeenEvent]) -> list[SeenEvent]:
    """Which of these events are not in ``kept``, hashes by seq."""
    return [event for event in events if kept.get(event.seq) != event.hash]
