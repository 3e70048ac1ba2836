"""Erases one client address from the log.

Rows refer to callers, so only these change. To count the rows with the address, the whole log is read, in slices, so
that no long snapshot keeps the WAL from being checkpointed. Counters change in small transactions, so that folds do not
wait long.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, and_, delete, func, select, text, tuple_, update

from ari.storage.database_errors import read_only
from ari.storage.tables import usage_attempt_hours, usage_attempts, usage_callers, usage_log, usage_seen
from ari.storage.usage.client_counts import ADD_COUNTS
from ari.storage.usage.compact_sql import NO_TEXT
from ari.storage.usage.rollups import ADD_ATTEMPT_HOURS, ADD_ATTEMPTS
from ari.storage.usage.row_ids import BELOW_ALL, RowId
from ari.usage.cleaning import address_forms
from ari.usage.model import OTHERS

MAX_CHANGED = 500
"""Rows or counters changed in one transaction."""
ROWS_READ = 20_000
"""Rows read in one transaction."""

_log, _callers = usage_log.c, usage_callers.c
_ID = _log.id_high, _log.id_low
_T = TypeVar("_T")
Writing = Callable[[], AbstractContextManager[Connection]]


def erase_address(
    engine: Engine, writing: Writing, address: str, erase_elsewhere: Callable[[Sequence[str]], int] | None = None
) -> int:
    """Remove the address from rows and add its counters to those of the other addresses.

    ``erase_elsewhere`` removes addresses from rows that are elsewhere, and returns how many had one. Returns how many
    rows and counters of attempts had it.
    """
    forms = address_forms(address)
    with read_only(engine) as connection:
        numbers = connection.scalars(select(_callers.number).where(_callers.address.in_(forms))).all()
    changed = _count_rows(engine, forms) if numbers and erase_elsewhere is None else 0
    if erase_elsewhere is not None:
        changed = erase_elsewhere(forms)  # takes long, so folds go on
        with writing() as connection:  # one of them may have read a row before, and stored it afterwards
            erase_elsewhere(forms)
            connection.execute(update(usage_callers).where(_callers.address.in_(forms)).values(address=NO_TEXT))
    for some in slices(numbers, MAX_CHANGED):
        with writing() as connection:
            connection.execute(update(usage_callers).where(_callers.number.in_(some)).values(address=NO_TEXT))
    changed += _merge(engine, writing, usage_attempts, forms, ADD_ATTEMPTS)
    _merge(engine, writing, usage_attempt_hours, forms, ADD_ATTEMPT_HOURS)
    _merge(engine, writing, usage_seen, forms, ADD_COUNTS)
    return changed


def slices(things: Sequence[_T], length: int) -> Iterator[Sequence[_T]]:
    """The things, at most ``length`` at a time."""
    for start in range(0, len(things), length):
        yield things[start : start + length]


def _count_rows(engine: Engine, addresses: Sequence[str]) -> int:
    count, after = 0, BELOW_ALL
    erased = _log.caller.in_(select(_callers.number).where(_callers.address.in_(addresses)))
    while True:
        beyond = tuple_(*_ID) > tuple_(*after), _log.id_high >= after.high  # the latter skips partitions
        slice_ = select(func.count()).select_from(usage_log).where(*beyond, erased)
        with read_only(engine) as connection:
            last = connection.execute(select(*_ID).where(*beyond).order_by(*_ID).offset(ROWS_READ).limit(1)).first()
            found = connection.scalar(slice_ if last is None else slice_.where(tuple_(*_ID) <= tuple_(*last)))
        count += found or 0
        if last is None:
            return count
        after = RowId(*last)


def _merge(engine: Engine, writing: Writing, table: Table, addresses: Sequence[str], add: str) -> int:
    """Add the counters of these addresses to those of the others. The last column of the primary key has the address.

    Reads the whole table, which retention and the flood limits keep small. Returns how many counters there were.
    """
    *rest, value = key = table.primary_key.columns
    query = select(*key).where(value.in_(addresses))
    if "kind" in table.c:
        query = query.where(table.c.kind == "address")
    with read_only(engine) as connection:
        found = sorted(tuple(row) for row in connection.execute(query))
    names, counts = [column.name for column in rest], [column.name for column in table.columns if column not in [*key]]
    where = " AND ".join(f"{column.name} = :{column.name}" for column in key)
    insert = text(
        f"INSERT INTO {table.name} ({', '.join([*names, value.name, *counts])})"  # noqa: S608 - our own names
        f" SELECT {', '.join([*names, repr(OTHERS), *counts])} FROM {table.name} WHERE {where} {add}"
    )
    for some in slices(found, MAX_CHANGED):
        with writing() as connection:
            for row in some:
                connection.execute(insert, dict(zip((column.name for column in key), row, strict=True)))
                this: Any = (column == one for column, one in zip(key, row, strict=True))
                connection.execute(delete(table).where(and_(*this)))
    return len(found)
