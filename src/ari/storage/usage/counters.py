"""The counters of limits in SQL: locked, read and written within the transaction that logs the requests.

All nodes use the time of PostgreSQL. SQLite has one machine, and the time is the machine's uptime plus an offset
that is stored once per start of the machine: no clock that is set later changes it.
"""

# ruff: noqa: S608 - every name in these statements is our own

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from ari.base.clock import Clock, read_boot_id
from ari.keys.limits.counter import Counter

_MAX_IDS = 500
_SAVE = """INSERT INTO limit_counters (owner_id, state) VALUES (?, ?)
    ON CONFLICT (owner_id) DO UPDATE SET state = excluded.state"""
_KEEP_OFFSET = "INSERT INTO limit_clock (boot_id, offset_ms) VALUES (?, ?) ON CONFLICT (boot_id) DO NOTHING"
_FROZEN = "SET LOCAL idle_in_transaction_session_timeout = '10s'"
"""A process that is frozen while it holds a counter must not stop the key on the other nodes."""
_SELECT_TIME = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
_ADD = "INSERT INTO limit_counters (owner_id, state) VALUES {} ON CONFLICT (owner_id) DO NOTHING"
_UPDATE = """UPDATE limit_counters SET state = given.state
    FROM json_to_recordset(%s::json) AS given(owner_id varchar(40), state text)
    WHERE limit_counters.owner_id = given.owner_id"""

_encode, _read = msgspec.json.encode, msgspec.json.Decoder(Counter).decode
_logger = logging.getLogger("ari.storage")


def _decode(state: str) -> Counter:
    """The stored counter. One that is damaged must stop neither its key nor the others of the commit: fractions are
    rounded up, and of anything else nothing counts as used."""
    try:
        return _read(state)
    except msgspec.MsgspecError:
        _logger.error(
            "The counter of a limit is damaged. Fractions are rounded up; if that doesn't help, it begins again."
        )
    try:
        counter = msgspec.convert(_round_up(msgspec.json.decode(state)), Counter, str_keys=True)
    except (msgspec.MsgspecError, OverflowError, ValueError):
        return Counter()
    for window in (*counter.windows.values(), *(one.window for one in counter.spending.values())):
        if window is not None:
            window.used = sum(window.slots.values())
    return counter


def _round_up(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: _round_up(value) for name, value in found.items()}
    if isinstance(found, list):
        return [_round_up(value) for value in found]
    return math.ceil(found) if isinstance(found, float) else found


class UptimeClock:
    """The time of the counters in a SQLite file."""

    def __init__(self, clock: Callable[[], Clock]) -> None:
        self._clock = clock
        self._boot_id = read_boot_id()

    def now_ms(self, connection: Any) -> int:
        """The time now. The first caller since the machine started decides the offset."""
        row = self._find(connection)
        if row is None:
            clock = self._clock()
            connection.execute("DELETE FROM limit_clock")
            connection.execute(_KEEP_OFFSET, (self._boot_id, clock.now_ms() - clock.uptime_ms()))
        return self.read_ms(connection)

    def read_ms(self, connection: Any) -> int:
        """The time now, without deciding anything."""
        row, clock = self._find(connection), self._clock()
        return clock.now_ms() if row is None else row[0] + clock.uptime_ms()

    def _find(self, connection: Any) -> Any:
        query = "SELECT offset_ms FROM limit_clock WHERE boot_id = ?"
        return connection.execute(query, (self._boot_id,)).fetchone()


def read_sqlite(connection: Any, owner_ids: Sequence[str]) -> dict[str, Counter]:
    """The counters of these owners; those never used are new. The transaction has the file's lock."""
    counters: dict[str, Counter] = {owner_id: Counter() for owner_id in owner_ids}
    ids = iter(owner_ids)
    while some := list(islice(ids, _MAX_IDS)):
        query = f"SELECT owner_id, state FROM limit_counters WHERE owner_id IN ({', '.join('?' * len(some))})"
        counters.update((owner_id, _decode(state)) for owner_id, state in connection.execute(query, some))
    return counters


def read_with_budgets(connection: Any, most: int) -> dict[str, Counter]:
    """At most so many counters of owners whose budgets were used, in no order; the same in both databases."""
    query = f'SELECT owner_id, state FROM limit_counters WHERE state LIKE \'%"spending":{{"%\' LIMIT {most:d}'
    return {owner_id: _decode(state) for owner_id, state in connection.execute(query)}


def save_sqlite(connection: Any, counters: Mapping[str, Counter], changed: Iterable[str]) -> None:
    """Write the counters that changed."""
    connection.executemany(_SAVE, [(owner_id, _encode(counters[owner_id]).decode()) for owner_id in changed])


def begin_postgres(connection: Any, begin: str, owner_ids: Sequence[str]) -> tuple[dict[str, Counter], int]:
    """Begin a transaction with the statements ``begin`` and lock the counters. Returns them, and the time then.

    One round trip. A counter that is missing is committed first: only a row that exists can be locked, and in order.
    """
    from psycopg import sql  # noqa: PLC0415 - the extra "postgres"

    literals = [sql.Literal(owner_id).as_string(connection) for owner_id in owner_ids]
    # The time is asked after the locks are held, not while waiting for them.
    lock = (
        f"{begin}; {_FROZEN}; SELECT owner_id, state FROM limit_counters WHERE owner_id IN ({', '.join(literals)})"
        f" ORDER BY owner_id FOR UPDATE; {_SELECT_TIME}"
    )
    found, [[now_ms]] = _fetch(connection, lock)
    if len(found) < len(owner_ids):
        known = {owner_id for owner_id, _ in found}
        new = sql.Literal(_encode(Counter()).decode()).as_string(connection)
        names = zip(owner_ids, literals, strict=True)
        values = ", ".join(f"({literal}, {new})" for owner_id, literal in names if owner_id not in known)
        connection.execute(f"ROLLBACK; {begin}; {_ADD.format(values)}; COMMIT", prepare=False)
        found, [[now_ms]] = _fetch(connection, lock)
    return {owner_id: _decode(state) for owner_id, state in found}, now_ms


def read_postgres(connection: Any, owner_ids: Sequence[str]) -> tuple[dict[str, Counter], int]:
    """The counters of these owners as committed, and the time now."""
    counters: dict[str, Counter] = {owner_id: Counter() for owner_id in owner_ids}
    query = "SELECT owner_id, state FROM limit_counters WHERE owner_id = ANY(%s)"
    counters.update((owner_id, _decode(state)) for owner_id, state in connection.execute(query, (list(owner_ids),)))
    return counters, connection.execute(_SELECT_TIME).fetchone()[0]


def save_postgres(connection: Any, counters: Mapping[str, Counter], changed: Iterable[str]) -> None:
    """Write the counters that changed."""
    states = [{"owner_id": owner_id, "state": _encode(counters[owner_id]).decode()} for owner_id in changed]
    if states:
        connection.execute(_UPDATE, (_encode(states).decode(),), prepare=True)


def _fetch(connection: Any, statements: str) -> list[list[Any]]:
    """The rows of each statement that returns rows."""
    cursor = connection.execute(statements, prepare=False)
    results = [cursor.fetchall() if cursor.description else None]
    while cursor.nextset():
        results.append(cursor.fetchall() if cursor.description else None)
    return [rows for rows in results if rows is not None]
