"""The partitions of ``usage_log`` on PostgreSQL: one for each day, so that retention drops a whole day. Decision 73.

- ``usage_log_20261130`` has the rows of that day in UTC, by the time in their ids.
- ``usage_log_before`` has the rows from before the first such day: all rows of a log that an older version made.
- ``usage_log_other`` has all other rows, so that none is ever refused: those of a day without a partition, of a clock
  that is set wrong, and rows that come so late that their day was dropped.

Indexes and columns are the same in all of them. SQLite has one table.
"""

# ruff: noqa: S608 - every name in these statements is our own

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from ari.base.clock import DAY_MS
from ari.storage.database_errors import faults_as_unavailable, read_only
from ari.storage.postgres_sessions import set_limits
from ari.storage.usage.fold import writing
from ari.storage.usage.row_ids import ABOVE_ALL, BELOW_ALL, TIME_SHIFT, lowest_at

BEFORE, OTHER = "usage_log_before", "usage_log_other"
DAYS_AHEAD = 7
"""How many days after today have a partition."""
OPTIONS = "WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02)"
MAX_SCANNED_BYTES = 32_000_000
"""PostgreSQL reads ``usage_log_other`` while it adds a partition, with a lock that readers wait for: 20 ms."""
_FOLD_SECONDS = 1.0
_LOCK_TIMEOUT = "200ms"
"""Readers queue behind a statement that waits for a lock which excludes them."""
_LIST = """SELECT c.relname, pg_get_expr(c.relpartbound, c.oid), pg_has_role(c.relowner, 'USAGE')
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass('usage_log')"""
_TABLES = f"c.oid IN (to_regclass('usage_log'), to_regclass('{OTHER}'))"
_RIGHTS = f"""SELECT has_schema_privilege(current_schema(), 'CREATE') AND bool_and(pg_has_role(c.relowner, 'USAGE'))
    FROM pg_class AS c WHERE {_TABLES}"""
_MISSING_CREATE = """SELECT format('GRANT CREATE ON SCHEMA %I TO %I;', current_schema(), current_user)
    WHERE NOT has_schema_privilege(current_schema(), 'CREATE')"""
_MISSING_OWNERSHIP = f"""SELECT c.relname,
        format('ALTER TABLE %I.%I OWNER TO %I;', n.nspname, c.relname, current_user)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE NOT pg_has_role(c.relowner, 'USAGE') AND ({_TABLES}
        OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass('usage_log')))
    ORDER BY c.relname"""
_BOUNDS = re.compile(r"FOR VALUES FROM \('?(-?\w+)'?\) TO \('?(-?\w+)'?\)")
_ENDS = {"MINVALUE": BELOW_ALL.high, "MAXVALUE": ABOVE_ALL.high}


@dataclass(frozen=True, slots=True)
class Partition:
    """Rows with ``low`` ≤ ``id_high`` < ``high``; ``is_owned``: this role may drop it."""

    name: str
    low: int
    high: int
    is_owned: bool

    @property
    def is_day(self) -> bool:
        """Whether it was made for one day, and is dropped with it."""
        return self.high - self.low == lowest_at(DAY_MS)


def list_partitions(connection: Connection) -> list[Partition]:
    """All but ``usage_log_other``, the oldest first."""
    found = []
    for name, bounds, is_owned in connection.execute(text(_LIST)):
        ends = _BOUNDS.match(bounds)
        if ends is not None:
            low, high = (_ENDS[end] if end in _ENDS else int(end) for end in ends.groups())
            found.append(Partition(name, low, high, bool(is_owned)))
    return sorted(found, key=lambda one: one.low)


def find_missing(found: Sequence[Partition], now_ms: int) -> list[int]:
    """The days from yesterday to ``DAYS_AHEAD`` that no partition has, in days since 1970."""
    today = now_ms // DAY_MS
    wanted = range(max(0, today - 1), today + DAYS_AHEAD + 1)
    return [day for day in wanted if not any(one.low < _end(day) and one.high > _start(day) for one in found)]


@dataclass(frozen=True, slots=True)
class PartitionState:
    """Whether rows of the next days have a partition, in words for ``ari doctor``."""

    words: str
    is_fine: bool


def examine(connection: Connection, now_ms: int) -> PartitionState:
    """How far partitions are created."""
    missing = _find_missing_rights(connection)
    if missing is not None:
        return missing
    found, tomorrow = list_partitions(connection), now_ms // DAY_MS + 1
    if tomorrow in find_missing(found, now_ms):
        said = "no partition for tomorrow. Rows are stored all the same, but old ones are removed one by one"
        return PartitionState(f"{said}. ari serve creates partitions while it runs.", is_fine=False)
    last = datetime.fromtimestamp((found[-1].high >> TIME_SHIFT) / 1000 - 1, UTC)
    return PartitionState(f"created up to {last:%Y-%m-%d}", is_fine=True)


def _find_missing_rights(connection: Connection) -> PartitionState | None:
    """What this role may not do, and all statements that allow it; ``None`` if nothing is missing."""
    role = connection.scalar(text("SELECT current_user"))
    grants = list(connection.scalars(text(_MISSING_CREATE)))
    tables = connection.execute(text(_MISSING_OWNERSHIP)).all()
    if not grants and not tables:
        return None
    said = [f"{role} may not create tables in its schema"] if grants else []
    said += [f"{role} doesn't own {', '.join(name for name, _ in tables)}"] if tables else []
    effect = "old rows of these days are removed one by one"
    if not may_create(connection):
        effect = "days get no partition and old rows are removed one by one"
    statements = " ".join([*grants, *(statement for _, statement in tables)])
    return PartitionState(f"{', and '.join(said)}, so {effect}. Run as a superuser: {statements}", is_fine=False)


class DayPartitions:
    """Creates the partitions of the next days, in any process of the instance."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, now_ms: int) -> int:
        """Create what is missing, and return how many. A day keeps its rows where they are if it already has any.

        Each is a transaction of milliseconds. Raises ``Unavailable``, also where other transactions hold the table for
        longer; try again later. Does nothing where this role may not: ``ari doctor`` says so.
        """
        with faults_as_unavailable():
            with read_only(self._engine) as connection:
                missing = find_missing(list_partitions(connection), now_ms)
                is_allowed, promises = may_create(connection), list_promises(connection)
            if not is_allowed:
                return 0
            self._withdraw(promises - {_promise_of(day) for day in missing})
            return sum(self._create(day) for day in missing)

    def _create(self, day: int) -> bool:
        try:
            with read_only(self._engine) as connection:
                is_large = bool(
                    connection.scalar(
                        text("SELECT pg_relation_size(to_regclass(:name)) > :most"),
                        {"name": OTHER, "most": MAX_SCANNED_BYTES},
                    )
                )
            if is_large:
                self._promise(day)
            with writing(self._engine, None, _FOLD_SECONDS) as connection:
                set_limits(connection, {"lock_timeout": _LOCK_TIMEOUT})
                return create_day(connection, day)
        except IntegrityError:  # a row of this day was stored a moment ago
            return False

    def _promise(self, day: int) -> None:
        """Let PostgreSQL know that ``usage_log_other`` has no row of this day, by reading it without a lock."""
        name = _promise_of(day)
        with writing(self._engine, None, _FOLD_SECONDS) as connection:
            if connection.scalar(text(_ANY_OF_DAY), {"low": _start(day), "high": _end(day)}):
                return
            if name not in list_promises(connection):
                set_limits(connection, {"lock_timeout": _LOCK_TIMEOUT})
                outside = f"CHECK (id_high < {_start(day)} OR id_high >= {_end(day)}) NOT VALID"
                connection.execute(text(f"ALTER TABLE {OTHER} ADD CONSTRAINT {name} {outside}"))
        with self._engine.begin() as connection:
            set_limits(connection, {"statement_timeout": "0"})
            connection.execute(text(f"ALTER TABLE {OTHER} VALIDATE CONSTRAINT {name}"))

    def _withdraw(self, promises: set[str]) -> None:
        """Remove promises of a process that was killed, of days that get no partition any more."""
        for name in promises:
            with writing(self._engine, None, _FOLD_SECONDS) as connection:
                set_limits(connection, {"lock_timeout": _LOCK_TIMEOUT})
                connection.execute(text(f"ALTER TABLE {OTHER} DROP CONSTRAINT IF EXISTS {name}"))


_ANY_OF_DAY = f"SELECT 1 FROM {OTHER} WHERE id_high >= :low AND id_high < :high LIMIT 1"
_PROMISE = f"{OTHER}_without_"
_LIST_PROMISES = f"""SELECT conname FROM pg_constraint
    WHERE conrelid = to_regclass('{OTHER}') AND starts_with(conname, '{_PROMISE}')"""


def may_create(connection: Connection) -> bool:
    """Whether this role owns the log and ``usage_log_other``, and may create tables: what adding partitions needs."""
    return bool(connection.scalar(text(_RIGHTS)))


def create_day(connection: Connection, day: int) -> bool:
    """Add the partition of a day, in the caller's transaction, unless rows of that day are elsewhere already."""
    name, given = f"usage_log_{_name(day)}", {"low": _start(day), "high": _end(day)}
    is_taken = connection.scalar(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": name})
    if is_taken or connection.scalar(text(_ANY_OF_DAY), given):
        return False
    connection.execute(text(f"CREATE TABLE {name} (LIKE usage_log INCLUDING DEFAULTS) {OPTIONS}"))
    bounds = f"FROM ({given['low']}) TO ({given['high']})"
    connection.execute(text(f"ALTER TABLE usage_log ATTACH PARTITION {name} FOR VALUES {bounds}"))
    if _promise_of(day) in list_promises(connection):
        connection.execute(text(f"ALTER TABLE {OTHER} DROP CONSTRAINT {_promise_of(day)}"))
    return True


def list_promises(connection: Connection) -> set[str]:
    """The names of constraints that ``usage_log_other`` has while a partition is added."""
    return set(connection.scalars(text(_LIST_PROMISES)))


def _promise_of(day: int) -> str:
    return f"{_PROMISE}{_name(day)}"


def _start(day: int) -> int:
    return lowest_at(day * DAY_MS)


def _end(day: int) -> int:
    return lowest_at((day + 1) * DAY_MS)


def _name(day: int) -> str:
    return f"{datetime.fromtimestamp(day * DAY_MS / 1000, UTC):%Y%m%d}"
