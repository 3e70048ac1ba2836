"""The usage log in SQL; fulfils ``usage.ports.UsageStore``."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine, Select, and_, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from ari.base.clock import MINUTE_MS
from ari.base.errors import Unavailable
from ari.base.ids import new_id
from ari.storage.dialect import write_turn
from ari.storage.faults import faults_as_unavailable, read_only
from ari.storage.tables import usage_attempts, usage_rows, usage_totals
from ari.storage.usage_commit import REFUSALS, ROW_FIELDS, count_attempts, write_all, write_each
from ari.usage.clean import address_forms
from ari.usage.model import OTHER_ADDRESSES, ROW_KIND, Attempt, KeyTotals, UsageFilter, UsageRow
from ari.usage.ports import Batch

_rows = usage_rows.c
_attempts = usage_attempts.c
_COLUMNS = tuple(_rows[name] for name in ROW_FIELDS)
_MOST_IN_ONE_STATEMENT = 500
_TIME_LETTERS = len(ROW_KIND) + 1 + 10
_LATEST_ID_MS = (1 << 48) - 1
_SLACK_MS = MINUTE_MS
"""How far the time in a row's id may be from its ``at_ms`` without the row being missed by a span of time."""

_T = TypeVar("_T")


class Bucket(NamedTuple):
    """The primary key of a counter of attempts."""

    minute_ms: int
    reason: str
    address: str


class UsageTables:
    """The usage log on one engine; ``lock_file`` is where writers to a SQLite file queue."""

    def __init__(self, engine: Engine, lock_file: Path | None) -> None:
        self._engine = engine
        self._lock_file = lock_file

    def commit(self, batch: Batch) -> None:
        with _any_fault_as_unavailable():
            try:
                self._write(write_all, batch)
            except REFUSALS:
                self._write(write_each, batch)

    def page(self, where: UsageFilter, before_id: str | None, limit: int) -> list[UsageRow]:
        query = _filtered(select(*_COLUMNS), where).order_by(_rows.id.desc()).limit(limit)
        if before_id is not None:
            query = query.where(_rows.id < before_id)
        with _any_fault_as_unavailable(), read_only(self._engine) as connection:
            return [UsageRow(*row) for row in connection.execute(query)]

    def totals(self, key_ids: Sequence[str]) -> dict[str, KeyTotals]:
        found: dict[str, KeyTotals] = {}
        with _any_fault_as_unavailable(), read_only(self._engine) as connection:
            for some in _slices(key_ids):
                rows = connection.execute(select(usage_totals).where(usage_totals.c.key_id.in_(some)))
                found.update((key_id, KeyTotals(*rest)) for key_id, *rest in rows)
        return found

    def attempts(self, since_ms: int, limit: int) -> list[Attempt]:
        query = (
            select(_attempts.minute_ms, _attempts.reason, _attempts.address, _attempts["count"])
            .where(_attempts.minute_ms >= since_ms - since_ms % MINUTE_MS)
            .order_by(_attempts.minute_ms.desc(), _attempts["count"].desc(), _attempts.reason, _attempts.address)
            .limit(limit)
        )
        with _any_fault_as_unavailable(), read_only(self._engine) as connection:
            return [Attempt(*row) for row in connection.execute(query)]

    def erase_address(self, address: str) -> int:
        """Found without a write transaction and stripped in small ones, so that commits of the log do not wait long."""
        forms = address_forms(address)
        buckets = select(_attempts.minute_ms, _attempts.reason, _attempts.address).where(_attempts.address.in_(forms))
        with _any_fault_as_unavailable():
            with read_only(self._engine) as connection:
                row_ids = list(connection.scalars(select(_rows.id).where(_rows.client_address.in_(forms))))
                attempts = [Bucket(*bucket) for bucket in connection.execute(buckets)]
            for ids in _slices(sorted(row_ids)):
                self._write(_strip_rows, ids)
            for some in _slices(sorted(attempts)):
                self._write(_strip_attempts, some)
        return len(row_ids) + len(attempts)

    def _write(self, work: Callable[[Connection, _T], None], given: _T) -> None:
        with write_turn(self._lock_file), self._engine.begin() as connection:
            work(connection, given)


@contextmanager
def _any_fault_as_unavailable() -> Iterator[None]:
    """Whatever goes wrong with the log is one plain sentence: what a driver says may quote a row's texts."""
    try:
        with faults_as_unavailable():
            yield
    except (SQLAlchemyError, *REFUSALS):
        raise Unavailable("The usage log cannot be written or read now.") from None


def _filtered(query: Select[Any], where: UsageFilter) -> Select[Any]:
    """Narrow by time through the ids as well: they are sorted by it and every index ends in them."""
    if where.key_id is not None:
        query = query.where(_rows.key_id == where.key_id)
    if where.code is not None:
        query = query.where(_rows.code == where.code)
    if where.since_ms is not None:
        query = query.where(_rows.at_ms >= where.since_ms, _rows.id >= _lowest_id(where.since_ms - _SLACK_MS))
    if where.until_ms is not None:
        query = query.where(_rows.at_ms < where.until_ms, _rows.id < _lowest_id(where.until_ms + _SLACK_MS))
    return query


def _lowest_id(at_ms: int) -> str:
    """What sorts before all ids made at this instant or later: the kind and the letters of the time."""
    return new_id(ROW_KIND, max(0, min(at_ms, _LATEST_ID_MS)))[:_TIME_LETTERS]


def _strip_rows(connection: Connection, ids: Sequence[str]) -> None:
    # Locked in the order in which commits lock them, so that the two never wait for each other on PostgreSQL.
    connection.execute(select(_rows.id).where(_rows.id.in_(ids)).order_by(_rows.id).with_for_update()).all()
    connection.execute(update(usage_rows).where(_rows.id.in_(ids)).values(client_address=None))


def _strip_attempts(connection: Connection, buckets: Sequence[Bucket]) -> None:
    """Move counts to the bucket of the others, one by one in the order in which commits lock them."""
    for bucket in buckets:
        this = and_(*(column == value for column, value in zip(usage_attempts.primary_key, bucket, strict=True)))
        count = connection.execute(select(_attempts["count"]).where(this).with_for_update()).scalar()
        if count is not None:
            connection.execute(delete(usage_attempts).where(this))
            count_attempts(connection, [Attempt(bucket.minute_ms, bucket.reason, OTHER_ADDRESSES, count)])


def _slices(things: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(things), _MOST_IN_ONE_STATEMENT):
        yield things[start : start + _MOST_IN_ONE_STATEMENT]
