"""The usage log in SQL; fulfils ``usage.ports.UsageStore`` and what lists and advice ask."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine, and_, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from ari.base.clock import MINUTE_MS
from ari.base.errors import Unavailable
from ari.keys.listing import Cursor
from ari.storage.database_errors import faults_as_unavailable, read_only
from ari.storage.tables import usage_attempts, usage_rows, usage_totals
from ari.storage.usage import listing
from ari.storage.usage.ai import add_uses
from ari.storage.usage.clients import Kind, addresses_among, move_to_others, seen_by
from ari.storage.usage.commit import REFUSALS, count_attempts
from ari.storage.usage.daily_counts import days_of
from ari.storage.usage.fold import MOST_AT_ONCE, Folder, writing
from ari.storage.usage.pages import lowest_id, page_query
from ari.storage.usage.retention import Retention
from ari.storage.usage.rollups import attempt_hours_among, move_attempt_hours
from ari.storage.usage.staging import Staging
from ari.usage.advice import LateCall
from ari.usage.cleaning import address_forms
from ari.usage.model import (
    OTHER_ADDRESSES,
    Attempt,
    KeyTotals,
    Seen,
    UsageFilter,
    UsageRow,
)
from ari.usage.ports import Batch
from ari.usage.reports.daily import Day

_rows = usage_rows.c
_attempts = usage_attempts.c
_TOTALS = tuple(usage_totals.c)[:5]
_MOST_IN_ONE_STATEMENT = 500
_LOOKED_AT_ONCE = 20_000
_CARRIED_OVER_AFTER = 10_000
"""Pages that this process added to the inbox's write-ahead log, 40 MB, after which that is carried over."""

_T = TypeVar("_T")


class Bucket(NamedTuple):
    """The primary key of a counter of attempts."""

    minute_ms: int
    reason: str
    address: str


class UsageTables:
    """The usage log on one engine; ``lock_file`` is where writers to a SQLite file queue.

    Whoever reads first has the inbox emptied, so that what was committed is seen.
    """

    def __init__(self, engine: Engine, lock_file: Path | None, inbox: Staging, settler: Folder) -> None:
        self._engine = engine
        self._lock_file = lock_file
        self._inbox = inbox
        self._settler = settler
        self._carried_over_at = 0
        self._retention = Retention(engine, lock_file, self._writing)

    def commit(self, batch: Batch) -> None:
        with _any_fault_as_unavailable():
            self._inbox.append(batch)

    def settle(self) -> int:
        with _any_fault_as_unavailable():
            return self._settler.settle()

    def tidy(self) -> None:
        if self._inbox.pages - self._carried_over_at >= _CARRIED_OVER_AFTER:
            self._carried_over_at = self._inbox.pages
            with _any_fault_as_unavailable():
                self._settler.carry_over()

    def settle_all(self) -> None:
        """Empty the inbox of what is in it now. Raises ``Unavailable``."""
        while self.settle() >= MOST_AT_ONCE:
            pass

    def check(self) -> None:
        """Raise ``Unavailable`` where the database would refuse a commit."""
        self._inbox.check()

    def close(self) -> None:
        """Let the connection of commits go."""
        self._inbox.close()

    def page(self, where: UsageFilter, before_id: str | None, limit: int) -> list[UsageRow]:
        with self._reading() as connection:
            rows = connection.execute(page_query(connection, where, before_id, limit))
            return add_uses(connection, [UsageRow(*row) for row in rows])

    def totals(self, key_ids: Sequence[str]) -> dict[str, KeyTotals]:
        found: dict[str, KeyTotals] = {}
        with self._reading() as connection:
            for some in _slices(key_ids):
                rows = connection.execute(select(*_TOTALS).where(usage_totals.c.key_id.in_(some)))
                found.update((key_id, KeyTotals(*rest)) for key_id, *rest in rows)
        return found

    def attempts(self, since_ms: int, limit: int) -> list[Attempt]:
        query = (
            select(_attempts.minute_ms, _attempts.reason, _attempts.address, _attempts["count"])
            .where(_attempts.minute_ms >= since_ms - since_ms % MINUTE_MS)
            .order_by(_attempts.minute_ms.desc(), _attempts["count"].desc(), _attempts.reason, _attempts.address)
            .limit(limit)
        )
        with self._reading() as connection:
            return [Attempt(*row) for row in connection.execute(query)]

    def addresses(self, key_id: str, limit: int) -> list[Seen]:
        return self._seen_by(key_id, "address", limit)

    def agents(self, key_id: str, limit: int) -> list[Seen]:
        return self._seen_by(key_id, "user_agent", limit)

    def days(self, key_ids: Sequence[str], since_ms: int) -> dict[str, list[Day]]:
        return self._read(lambda connection: days_of(connection, key_ids, since_ms))

    def by_use(
        self, by: Literal["used", "requests"], descending: bool, after: Cursor | None, limit: int
    ) -> list[tuple[str, KeyTotals]]:
        return self._read(lambda connection: listing.by_use(connection, by, descending, after, limit))

    def last_uses(self) -> dict[str, int]:
        return self._read(listing.last_uses)

    def address_counts(self, key_ids: Sequence[str], since_ms: int, most: int) -> dict[str, int]:
        return self._read(lambda connection: listing.address_counts(connection, key_ids, since_ms, most))

    def late_calls(self, since_ms: int) -> list[LateCall]:
        return self._read(lambda connection: listing.late_calls(connection, since_ms))

    def erase_address(self, address: str) -> int:
        """Found without a write transaction and stripped in small ones, so that commits of the log do not wait long.

        There is no index on addresses, which every commit would pay for: the whole log is read, in slices, so that no
        long snapshot keeps the write-ahead log from being emptied.
        """
        forms = address_forms(address)
        buckets = select(_attempts.minute_ms, _attempts.reason, _attempts.address).where(_attempts.address.in_(forms))
        self.settle_all()
        with _any_fault_as_unavailable():
            stood = 0
            for ids in self._ids_with(forms):
                self._strip(_strip_rows, sorted(ids))
                stood += len(ids)
            with read_only(self._engine) as connection:
                attempts = sorted(Bucket(*bucket) for bucket in connection.execute(buckets))
                seen = addresses_among(connection, forms)
                reported = attempt_hours_among(connection, forms)
            self._strip(_strip_attempts, attempts)
            self._strip(move_attempt_hours, reported)
            self._strip(move_to_others, seen)
        return stood + len(attempts)

    def remove_before(self, before_ms: int) -> Generator[int]:
        self.settle_all()
        with _any_fault_as_unavailable():
            yield from self._retention.steps(before_ms, lowest_id(before_ms))

    def _read(self, work: Callable[[Connection], _T]) -> _T:
        with self._reading() as connection:
            return work(connection)

    def _seen_by(self, key_id: str, kind: Kind, limit: int) -> list[Seen]:
        with self._reading() as connection:
            return seen_by(connection, key_id, kind, limit)

    def _ids_with(self, addresses: Sequence[str]) -> Iterator[Sequence[str]]:
        after = ""
        while True:
            beyond = select(_rows.id).where(_rows.id > after).order_by(_rows.id)
            with read_only(self._engine) as connection:
                last = connection.scalar(beyond.offset(_LOOKED_AT_ONCE).limit(1))
                slice_ = select(_rows.id).where(_rows.id > after, _rows.client_address.in_(addresses))
                found = connection.scalars(slice_ if last is None else slice_.where(_rows.id <= last)).all()
            yield found
            if last is None:
                return
            after = last

    def _strip(self, work: Callable[[Connection, Sequence[_T]], None], things: Sequence[_T]) -> None:
        for some in _slices(things):
            with self._writing() as connection:
                work(connection, some)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        # A log that cannot be written now can still be read.
        with suppress(Unavailable):
            self.settle_all()
        with _any_fault_as_unavailable(), read_only(self._engine) as connection:
            yield connection

    def _writing(self) -> AbstractContextManager[Connection]:
        return writing(self._engine, self._lock_file)


@contextmanager
def _any_fault_as_unavailable() -> Iterator[None]:
    """Whatever goes wrong with the log is one plain sentence: what a driver says may quote a row's texts."""
    try:
        with faults_as_unavailable():
            yield
    except (SQLAlchemyError, *REFUSALS):
        raise Unavailable("The usage log cannot be written or read now.") from None


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
