"""Removes old entries from the usage log, in transactions so small that no fold waits long; days of PostgreSQL are
dropped as a whole (``partition_drops.py``).

Rollups and totals stay; a key's totals also count its removed requests. There is no state between runs: old entries are
found by their time.

Rows with a compound key are deleted as a span of it. With a list of such keys, SQLite reads the whole table, and
PostgreSQL may do the same.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path

from sqlalchemy import Connection, Engine, MetaData, Table, bindparam, delete, select, tuple_, update
from sqlalchemy.exc import DBAPIError

from ari.base.clock import DAY_MS
from ari.base.errors import Unavailable
from ari.keys.reasons import ACCEPTED
from ari.storage.database_errors import read_only
from ari.storage.dialect import count_free_pages, give_back_pages, only_here
from ari.storage.tables import (
    usage_attempt_hours,
    usage_attempts,
    usage_callers,
    usage_client_counts,
    usage_log,
    usage_totals,
)
from ari.storage.usage.ai import remove_uses
from ari.storage.usage.clients import Name, remove, slice_after
from ari.storage.usage.log_rows import LogElsewhere
from ari.storage.usage.row_ids import lowest_at
from ari.storage.usage.texts import find_number, read_texts

ROWS_PER_STEP = 500
"""Rows removed in one transaction."""
_CLIENTS_READ = 5_000
_PAGES_PER_STEP = 100

_callers, _totals, _attempts = usage_callers.c, usage_totals.c, usage_attempts.c
_COUNT_REMOVED = (
    update(usage_totals)
    .where(_totals.key_id == bindparam("key"))
    .values(
        removed_request_count=_totals.removed_request_count + bindparam("requests"),
        removed_refused_count=_totals.removed_refused_count + bindparam("refused"),
    )
)


class Retention:
    """Removes old entries of one usage log; one run at a time over all processes."""

    def __init__(
        self,
        engine: Engine,
        lock_file: Path | None,
        writing: Callable[[], AbstractContextManager[Connection]],
        elsewhere: LogElsewhere | None = None,
    ) -> None:
        self._engine = engine
        self._lock_file = None if lock_file is None else lock_file.with_name("retention.lock")
        self._writing = writing
        self._elsewhere = elsewhere

    def steps(self, before_ms: int, before_id: str) -> Iterator[int]:
        """Remove older entries, a few per step; yields how many. Yields nothing while another process does this.

        ``before_id`` is the prefix of the ids of rows at ``before_ms``. Raises ``Unavailable`` at the end if other
        transactions kept days from being dropped.
        """
        kept = list[str]()
        with only_here(self._engine, self._lock_file) as alone:
            if alone:
                removed = chain(
                    self._row_steps(lowest_at(before_ms), kept) if self._elsewhere is None else (),
                    self._until_none(lambda connection: remove_uses(connection, before_id, ROWS_PER_STEP)),
                    self._until_none(lambda connection: _remove_attempts(connection, before_ms)),
                    self._until_none(lambda connection: _remove_attempt_hours(connection, before_ms)),
                    self._client_steps(before_ms),
                    self._caller_steps(before_ms // DAY_MS),
                    self._steps_elsewhere(self._elsewhere, lowest_at(before_ms), kept) if self._elsewhere else (),
                )
                yield from removed
                yield from self._shrink_steps()
        if kept:
            raise Unavailable(f"Other transactions, such as a backup, use the log: {', '.join(kept)} can't be dropped.")

    def _steps_elsewhere(self, elsewhere: LogElsewhere, before: int, kept: list[str]) -> Iterator[int]:
        """Rows that are still here are moved and not counted as removed: their copies will be."""
        while elsewhere.move_old():
            yield 0
        yield from self._row_steps(before, kept)
        yield from elsewhere.drop_days(before)

    def _row_steps(self, before: int, kept: list[str]) -> Iterator[int]:
        """On PostgreSQL, a day's rows are removed at once, when all of them are old; days in use are added to ``kept``.
        Other rows, and all where this role may not drop tables, are removed a few at a time."""
        if self._lock_file is not None:
            yield from self._until_none(lambda connection: _remove_rows(connection, usage_log, before))
            return
        from ari.storage.usage.partition_drops import drop, is_in_use  # noqa: PLC0415 - PostgreSQL alone needs it
        from ari.storage.usage.partitions import OTHER, list_partitions, may_create  # noqa: PLC0415 - as above

        with read_only(self._engine) as connection:
            found, may_drop = list_partitions(connection), may_create(connection)
        for one in found:
            if one.low >= before:
                continue
            try:
                if may_drop and one.is_owned and one.high <= before:
                    count = drop(self._engine, one)
                    if count is None:
                        kept.append(one.name)
                    else:
                        yield count
                elif not (may_drop and one.is_owned and one.is_day):
                    yield from self._slices_of(one.name, before)
            except DBAPIError as error:
                if not is_in_use(error):
                    raise
                yield from self._slices_of(one.name, before)
        yield from self._slices_of(OTHER, before)

    def _slices_of(self, partition: str, before: int) -> Iterator[int]:
        table = usage_log.to_metadata(MetaData(), name=partition)
        return self._until_none(lambda connection: _remove_rows(connection, table, before))

    def _until_none(self, remove_some: Callable[[Connection], int]) -> Iterator[int]:
        while True:
            with self._writing() as connection:
                removed = remove_some(connection)
            if removed:
                yield removed
            if removed < ROWS_PER_STEP:
                return

    def _client_steps(self, before_ms: int) -> Iterator[int]:
        """Reads all clients, without a write transaction: an index by time would cost every fold."""
        last: Name | None = None
        while True:
            with read_only(self._engine) as connection:
                found = slice_after(connection, last, _CLIENTS_READ)
            old = [name for name, seen_at_ms in found if seen_at_ms < before_ms]
            for start in range(0, len(old), ROWS_PER_STEP):
                some = old[start : start + ROWS_PER_STEP]
                with self._writing() as connection:
                    remove(connection, some, before_ms)
                yield len(some)
            if len(found) < _CLIENTS_READ:
                return
            last = found[-1][0]

    def _caller_steps(self, before_day: int) -> Iterator[int]:
        """Remove callers that no row has any more; like clients, all are read."""
        after = -1
        while True:
            query = select(_callers.number, _callers.last_day).where(_callers.number > after)
            with read_only(self._engine) as connection:
                found = connection.execute(query.order_by(_callers.number).limit(_CLIENTS_READ)).all()
            old = [number for number, last_day in found if last_day < before_day]
            for start in range(0, len(old), ROWS_PER_STEP):
                listed, counted = old[start : start + ROWS_PER_STEP], select(usage_client_counts.c.caller)
                unused = _callers.number.in_(listed), _callers.last_day < before_day, _callers.number.not_in(counted)
                with self._writing() as connection:
                    connection.execute(delete(usage_callers).where(*unused))
                yield 0
            if len(found) < _CLIENTS_READ:
                return
            after = found[-1][0]

    def _shrink_steps(self) -> Iterator[int]:
        """Return space to the file system if more is free than the log will need soon."""
        with read_only(self._engine) as connection:
            surplus = count_free_pages(connection)
        for _ in range(0, surplus, _PAGES_PER_STEP):
            with self._writing() as connection:
                give_back_pages(connection, _PAGES_PER_STEP)
            yield 0


def _remove_rows(connection: Connection, table: Table, before: int) -> int:
    row = table.c
    row_id = row.id_high, row.id_low
    query = select(*row_id, row.key, row.code, row["count"]).where(row.id_high < before)
    old = connection.execute(query.order_by(*row_id).limit(ROWS_PER_STEP).with_for_update()).all()
    if old:
        accepted = find_number(connection, ACCEPTED)
        counts: dict[int, list[int]] = {}
        for _, _, key, code, count in old:
            counts.setdefault(key, [0, 0])[0 if code == accepted else 1] += count
        connection.execute(delete(table).where(tuple_(*row_id) <= tuple_(*old[-1][:2])))
        key_ids = read_texts(connection, counts, ()).names
        removed = [{"key": key_ids[key], "requests": good, "refused": bad} for key, (good, bad) in counts.items()]
        connection.execute(_COUNT_REMOVED, sorted(removed, key=lambda one: str(one["key"])))
    return len(old)


def _remove_attempts(connection: Connection, before_ms: int) -> int:
    name = usage_attempts.primary_key.columns
    query = select(*name).where(_attempts.minute_ms < before_ms).order_by(*name).limit(ROWS_PER_STEP)
    old = [tuple(row) for row in connection.execute(query.with_for_update())]
    if old:
        connection.execute(delete(usage_attempts).where(tuple_(*name) <= tuple_(*old[-1])))
    return len(old)


def _remove_attempt_hours(connection: Connection, before_ms: int) -> int:
    hours, name = usage_attempt_hours.c, usage_attempt_hours.primary_key.columns
    query = select(*name).where(hours.hour_ms < before_ms, hours.last_at_ms < before_ms)
    old = [tuple(row) for row in connection.execute(query.order_by(*name).limit(ROWS_PER_STEP).with_for_update())]
    if old:
        span = tuple_(*name) <= tuple_(*old[-1])
        connection.execute(delete(usage_attempt_hours).where(span, hours.last_at_ms < before_ms))
    return len(old)
