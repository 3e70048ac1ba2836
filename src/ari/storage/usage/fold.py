"""Moves requests from the inbox into the tables that are read, with all that is counted of them, in one transaction.

So totals = rollups = rows, always, and what waits in the inbox is part of none of them. The plain case, a request by
itself, is moved and counted by the database without ever coming here; what needs a decision takes the way of
``usage_commit.py``.

On PostgreSQL entries leave the inbox in that same transaction. On SQLite the inbox is another file, and a process may
die between two files' commits: so the transaction notes how far it came, and what is below the mark was moved.
"""

# ruff: noqa: S608 - every name in these statements is our own

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, and_, delete, func, not_, select, text
from sqlalchemy.exc import IntegrityError

from ari.base.clock import DAY_MS, HOUR_MS
from ari.storage.database_errors import faults_as_unavailable, read_only
from ari.storage.dialect import lock_for_migration
from ari.storage.tables import usage_inbox
from ari.storage.usage.clients import ADD_SEEN, SeenCounter
from ari.storage.usage.commit import ADD_HOURS, ADD_TOTALS, REFUSALS, ROW_FIELDS, write_all, write_each
from ari.storage.usage.rollups import ADD_ALL, ADD_DAYS, Rollups
from ari.storage.usage.staging import ROW, batch_of
from ari.storage.write_lock import write_turn
from ari.usage.model import OTHERS

MOST_AT_ONCE = 20_000
"""Entries of one transaction: the more, the cheaper each; the less, the shorter others wait."""
_FORGOTTEN_AT_ONCE = 2_000
"""Entries that leave SQLite's inbox in one transaction, for which callers wait: about a millisecond."""
INBOX_CHECKPOINT_PAGES = 100_000
"""Where a caller's commit would carry the inbox's write-ahead log over, if ``carry_over`` did not: 400 MB."""

_inbox = usage_inbox.c
_ENTRY = tuple(_inbox[name] for name in ("what", *ROW_FIELDS))
_MARK = "inbox"
_SAVE_MARK = f"""INSERT INTO usage_settled (name, seq) VALUES ('{_MARK}', :high)
    ON CONFLICT (name) DO UPDATE SET seq = excluded.seq"""
_MARKED = f"(SELECT coalesce(max(seq), 0) FROM usage_settled WHERE name = '{_MARK}')"
_WAITING = f"SELECT 1 FROM usage_inbox WHERE seq > {_MARKED} LIMIT 1"
_SAVE_COUNTED = """INSERT INTO usage_settled (name, seq) VALUES ('counted', 1)
    ON CONFLICT (name) DO UPDATE SET seq = usage_settled.seq + 1"""
"""On PostgreSQL, so that who copied totals knows when they moved; SQLite's file tells by itself."""
_NEVER_AGAIN = (
    """INSERT INTO inbox.sqlite_sequence (name, seq) SELECT 'usage_inbox', 0
    WHERE NOT EXISTS (SELECT 1 FROM inbox.sqlite_sequence WHERE name = 'usage_inbox')""",
    f"""UPDATE inbox.sqlite_sequence SET seq = max(seq, {_MARKED})
    WHERE name = 'usage_inbox'""",
)

_fields = ", ".join(f'"{name}"' for name in ROW_FIELDS)
_plain = f"FROM usage_inbox WHERE seq > :low AND seq <= :high AND what = '{ROW}' AND count = 1"
_MOVE_ROWS = f"INSERT INTO usage_rows ({_fields}) SELECT {_fields} {_plain} ORDER BY seq"
_LIKE = f"""SELECT key_id, at_ms - at_ms % {HOUR_MS} AS hour_ms, route, code,
    coalesce(client_address, '{OTHERS}') AS address, coalesce(user_agent, '{OTHERS}') AS user_agent,
    count(*) AS n, min(at_ms) AS first, max(at_ms) AS last {_plain} GROUP BY 1, 2, 3, 4, 5, 6"""
"""The requests moved, those alike as one: looked at once, and counted from here in every way."""

_accepted, _refused = "sum(CASE code WHEN 'ok' THEN n ELSE 0 END)", "sum(CASE code WHEN 'ok' THEN 0 ELSE n END)"
_COUNT = (
    f"""INSERT INTO usage_hours (key_id, hour_ms, route, code, count)
    SELECT key_id, hour_ms, route, code, sum(n) FROM moved GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 {ADD_HOURS}""",
    f"""INSERT INTO usage_totals (key_id, request_count, refused_count, first_used_at_ms, last_used_at_ms)
    SELECT key_id, {_accepted}, {_refused},
        min(CASE code WHEN 'ok' THEN first END), max(CASE code WHEN 'ok' THEN last END)
    FROM moved GROUP BY key_id ORDER BY key_id {ADD_TOTALS}""",
    f"""INSERT INTO usage_days (key_id, day_ms, accepted_count, refused_count)
    SELECT key_id, hour_ms - hour_ms % {DAY_MS}, {_accepted}, {_refused}
    FROM moved GROUP BY 1, 2 ORDER BY 1, 2 {ADD_DAYS}""",
    f"""INSERT INTO usage_all_hours (hour_ms, with_key, code, count)
    SELECT hour_ms, 1 = 1, code, sum(n) FROM moved GROUP BY 1, 3 ORDER BY 1, 3 {ADD_ALL}""",
)


def _seen_as(kind: str, value: str) -> tuple[str, str]:
    """What is not known yet, and how what is known is counted."""
    found = f"""SELECT key_id, '{kind}' AS kind, {value} AS value, {_accepted} AS accepted, {_refused} AS refused,
    min(first) AS first, max(last) AS last FROM moved GROUP BY key_id, {value}"""
    known = "EXISTS (SELECT 1 FROM usage_seen s WHERE s.key_id = g.key_id AND s.kind = g.kind AND s.value = g.value)"
    return (
        f"SELECT * FROM ({found}) g WHERE NOT {known}",
        f"INSERT INTO usage_seen SELECT * FROM ({found}) g WHERE {known} ORDER BY key_id, value {ADD_SEEN}",
    )


_FRESH, _KNOWN = zip(_seen_as("address", "address"), _seen_as("user_agent", "user_agent"), strict=True)
_ALL_FRESH = " UNION ALL ".join(_FRESH)
_APART = (
    "CREATE TEMP TABLE IF NOT EXISTS moved (key_id, hour_ms, route, code, address, user_agent, n, first, last)",
    "DELETE FROM moved",
    f"INSERT INTO moved {_LIKE}",
)
_steps = ", ".join(f"step_{number} AS ({step})" for number, step in enumerate((*_COUNT, *_KNOWN)))
_AT_ONCE = f"WITH moved AS MATERIALIZED ({_LIKE}), {_steps} {_ALL_FRESH}"
"""PostgreSQL counts in one statement, whose parts all see what was there before it."""


class Folder:
    """Empties the inbox of one usage log, into which any number of processes write; one of them moves at a time.

    ``engine`` is the log's, and on SQLite sees the inbox as well; its transactions there begin without a lock, so that
    they never hold the inbox.
    """

    def __init__(self, engine: Engine, lock_file: Path | None, inbox: Engine, inbox_lock: Path | None) -> None:
        self._engine = engine
        self._lock_file = lock_file
        self._inbox = inbox
        self._inbox_lock = inbox_lock
        self._apart = lock_file is not None
        self._seen = SeenCounter()
        self._rollups = Rollups()

    def prepare(self) -> None:
        """Make the inbox if there is none. Its numbers go on where those of a lost one ended.

        Any number of processes may do so at once: looking and making are under one lock.
        """
        with write_turn(self._inbox_lock), self._inbox.begin() as connection:
            lock_for_migration(connection)
            usage_inbox.create(connection, checkfirst=True)
        if self._apart:
            with write_turn(self._inbox_lock), self._engine.begin() as connection:
                for statement in _NEVER_AGAIN:
                    connection.execute(text(statement))

    def settle(self) -> int:
        """Move the oldest entries; how many. Raises ``Unavailable``; then all is as before."""
        with faults_as_unavailable():
            if not self._any_waiting():
                return 0
            try:
                return self._settle(self._move)
            except (IntegrityError, *REFUSALS):
                return self._settle(self._move_each)

    def _any_waiting(self) -> bool:
        with read_only(self._engine) as connection:
            return connection.scalar(text(_WAITING)) is not None

    def _settle(self, move: Callable[[Connection, dict[str, int]], None]) -> int:
        with writing(self._engine, self._lock_file) as connection:
            if not self._apart:
                # If the server loses this transaction, the entries are still in the inbox.
                connection.execute(text("SET LOCAL synchronous_commit TO off"))
            low = connection.scalar(text(f"SELECT {_MARKED}")) or 0
            oldest = select(_inbox.seq).where(_inbox.seq > low).order_by(_inbox.seq).limit(MOST_AT_ONCE).subquery()
            counted = select(func.count(), func.min(oldest.c.seq), func.max(oldest.c.seq))
            count, first, high = connection.execute(counted).one()
            if not count:
                return 0
            span = {"low": low, "high": high}
            move(connection, span)
            if self._apart:
                connection.execute(text(_SAVE_MARK), {"high": high})
            else:
                connection.execute(delete(usage_inbox).where(_inbox.seq <= high))
                connection.execute(text(_SAVE_COUNTED))
        if self._apart:
            self._forget(first, high)
        return int(count)

    def _forget(self, first: int, high: int) -> None:
        """Delete from SQLite's inbox what was moved, and what an earlier process could not delete."""
        for end in range(first, high + _FORGOTTEN_AT_ONCE, _FORGOTTEN_AT_ONCE):
            with write_turn(self._inbox_lock), self._inbox.begin() as connection:
                connection.execute(delete(usage_inbox).where(_inbox.seq <= min(end, high)))

    def carry_over(self) -> None:
        """Empty the inbox's write-ahead log: what is long without keeping callers, then, in a turn, what came since,
        so that the log begins anew. Else a caller's commit would do it, and all others wait for the disk with it."""
        if not self._apart:
            return
        held = self._inbox.raw_connection()
        connection: Any = held.driver_connection
        with closing(held), suppress(sqlite3.Error):  # it is tried again, and nothing is lost meanwhile
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            with write_turn(self._inbox_lock):
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _move(self, connection: Connection, span: dict[str, int]) -> None:
        connection.execute(text(_MOVE_ROWS), span)
        self._seen.count_new(connection, _counted(connection, span, apart=self._apart))
        plain = and_(_inbox.what == ROW, _inbox["count"] == 1)
        others = connection.execute(_span_of(span).where(not_(plain))).all()
        if others:
            write_all(connection, batch_of(others), self._seen, self._rollups)

    def _move_each(self, connection: Connection, span: dict[str, int]) -> None:
        write_each(connection, batch_of(connection.execute(_span_of(span))), self._seen, self._rollups)


def _counted(connection: Connection, span: dict[str, int], *, apart: bool) -> Sequence[Row[Any]]:
    """Count what is in the span; what keys were not seen by before is left, and given back as ``SeenCounter`` wants."""
    if not apart:
        return connection.execute(text(_AT_ONCE), span).all()
    for statement in _APART:
        connection.execute(text(statement), span)
    fresh = connection.execute(text(_ALL_FRESH)).all()
    for statement in (*_COUNT, *_KNOWN):
        connection.execute(text(statement))
    return fresh


@contextmanager
def writing(engine: Engine, lock_file: Path | None) -> Iterator[Connection]:
    """A transaction that changes the log: one at a time, on SQLite by turns and on PostgreSQL by a lock.

    Where the transaction keeps one snapshot, that is of after the lock.
    """
    with write_turn(lock_file), engine.begin() as connection:
        if lock_file is None:
            connection.execute(text("LOCK TABLE usage_settled IN EXCLUSIVE MODE"))
        yield connection


def _span_of(span: dict[str, int]) -> Select[Any]:
    return select(*_ENTRY).where(_inbox.seq > span["low"], _inbox.seq <= span["high"]).order_by(_inbox.seq)
