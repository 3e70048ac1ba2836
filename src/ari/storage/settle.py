"""Moves requests from the inbox into the tables that are read, with all that is counted of them, in one transaction.

So totals = rollups = rows, always, and what waits in the inbox is part of none of them. The plain case, a request by
itself, is moved and counted by the database without ever coming here; what needs a decision takes the way of
``usage_commit.py``.

On PostgreSQL entries leave the inbox in that same transaction. On SQLite the inbox is another file, and a process may
die between two files' commits: so the transaction notes how far it came, and what is below the mark was moved.
"""

# ruff: noqa: S608 - every name in these statements is our own

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Select, and_, delete, func, not_, select, text
from sqlalchemy.exc import IntegrityError

from ari.base.clock import DAY_MS, HOUR_MS
from ari.storage.dialect import lock_for_migration
from ari.storage.faults import faults_as_unavailable, read_only
from ari.storage.inbox import ROW, batch_of
from ari.storage.tables import usage_inbox, usage_settled
from ari.storage.turn import write_turn
from ari.storage.usage_commit import ADD_HOURS, ADD_TOTALS, REFUSALS, ROW_FIELDS, write_all, write_each
from ari.storage.usage_rollups import ADD_ALL, ADD_DAYS, Rollups
from ari.storage.usage_seen import ADD_SEEN, SeenCounter
from ari.usage.model import OTHERS

MOST_AT_ONCE = 20_000
"""Entries of one transaction: the more, the cheaper each; the less, the shorter others wait."""

_inbox = usage_inbox.c
_ENTRY = tuple(_inbox[name] for name in ("what", *ROW_FIELDS))
_MARK = "inbox"
_SAVE_MARK = f"""INSERT INTO usage_settled (name, seq) VALUES ('{_MARK}', :high)
    ON CONFLICT (name) DO UPDATE SET seq = excluded.seq"""
_WAITING = "SELECT 1 FROM usage_inbox WHERE seq > (SELECT coalesce(max(seq), 0) FROM usage_settled) LIMIT 1"
_NEVER_AGAIN = (
    """INSERT INTO inbox.sqlite_sequence (name, seq) SELECT 'usage_inbox', 0
    WHERE NOT EXISTS (SELECT 1 FROM inbox.sqlite_sequence WHERE name = 'usage_inbox')""",
    """UPDATE inbox.sqlite_sequence SET seq = max(seq, (SELECT coalesce(max(seq), 0) FROM usage_settled))
    WHERE name = 'usage_inbox'""",
)

_fields = ", ".join(f'"{name}"' for name in ROW_FIELDS)
_plain = f"FROM usage_inbox WHERE seq > :low AND seq <= :high AND what = '{ROW}' AND count = 1"
_accepted, _refused = "sum(CASE code WHEN 'ok' THEN 1 ELSE 0 END)", "sum(CASE code WHEN 'ok' THEN 0 ELSE 1 END)"
_MOVE = (
    f"INSERT INTO usage_rows ({_fields}) SELECT {_fields} {_plain} ORDER BY id",
    f"""INSERT INTO usage_hours (key_id, hour_ms, route, code, count)
    SELECT key_id, at_ms - at_ms % {HOUR_MS}, route, code, count(*) {_plain}
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 {ADD_HOURS}""",
    f"""INSERT INTO usage_totals (key_id, request_count, refused_count, first_used_at_ms, last_used_at_ms)
    SELECT key_id, {_accepted}, {_refused},
        min(CASE code WHEN 'ok' THEN at_ms END), max(CASE code WHEN 'ok' THEN at_ms END)
    {_plain} GROUP BY key_id ORDER BY key_id {ADD_TOTALS}""",
    f"""INSERT INTO usage_days (key_id, day_ms, accepted_count, refused_count)
    SELECT key_id, at_ms - at_ms % {DAY_MS}, {_accepted}, {_refused} {_plain} GROUP BY 1, 2 ORDER BY 1, 2 {ADD_DAYS}""",
    f"""INSERT INTO usage_all_hours (hour_ms, with_key, code, count)
    SELECT at_ms - at_ms % {HOUR_MS}, 1 = 1, code, count(*) {_plain} GROUP BY 1, 3 ORDER BY 1, 3 {ADD_ALL}""",
)


def _seen_as(kind: str, column: str) -> tuple[str, str]:
    """What is not known yet, and how what is known is counted."""
    value = f"coalesce({column}, '{OTHERS}')"
    found = f"""SELECT key_id, '{kind}' AS kind, {value} AS value, {_accepted} AS accepted, {_refused} AS refused,
    min(at_ms) AS first, max(at_ms) AS last {_plain} GROUP BY key_id, {value}"""
    known = "EXISTS (SELECT 1 FROM usage_seen s WHERE s.key_id = g.key_id AND s.kind = g.kind AND s.value = g.value)"
    return (
        f"SELECT * FROM ({found}) g WHERE NOT {known}",
        f"INSERT INTO usage_seen SELECT * FROM ({found}) g WHERE {known} ORDER BY key_id, value {ADD_SEEN}",
    )


_SEEN = (_seen_as("address", "client_address"), _seen_as("user_agent", "user_agent"))


class Settler:
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
            marked = select(func.coalesce(func.max(usage_settled.c.seq), 0)).scalar_subquery()
            low = connection.scalar(select(marked)) or 0
            oldest = select(_inbox.seq).where(_inbox.seq > low).order_by(_inbox.seq).limit(MOST_AT_ONCE).subquery()
            count, high = connection.execute(select(func.count(), func.max(oldest.c.seq))).one()
            if not count:
                return 0
            span = {"low": low, "high": high}
            move(connection, span)
            if self._apart:
                connection.execute(text(_SAVE_MARK), {"high": high})
            else:
                connection.execute(delete(usage_inbox).where(_inbox.seq <= high))
        if self._apart:
            with write_turn(self._inbox_lock), self._inbox.begin() as connection:
                connection.execute(delete(usage_inbox).where(_inbox.seq <= high))
        return int(count)

    def _move(self, connection: Connection, span: dict[str, int]) -> None:
        for statement in _MOVE:
            connection.execute(text(statement), span)
        for fresh, known in _SEEN:
            new = connection.execute(text(fresh), span).all()
            connection.execute(text(known), span)
            self._seen.count_new(connection, new)
        plain = and_(_inbox.what == ROW, _inbox["count"] == 1)
        others = connection.execute(_span_of(span).where(not_(plain))).all()
        if others:
            write_all(connection, batch_of(others), self._seen, self._rollups)

    def _move_each(self, connection: Connection, span: dict[str, int]) -> None:
        write_each(connection, batch_of(connection.execute(_span_of(span))), self._seen, self._rollups)


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
