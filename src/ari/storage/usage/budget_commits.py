"""Settlements that were stored before, and the warnings of budgets, in the transaction that changes the counters."""

# ruff: noqa: S608 - every name in these statements is our own

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, delete, select, tuple_

from ari.keys.limits.spending import Crossing
from ari.storage.database_errors import faults_as_unavailable, read_only
from ari.storage.tables import budget_warnings
from ari.storage.usage.rollups import AI_USE
from ari.storage.write_lock import write_lock
from ari.usage.limit_decisions import list_settlements
from ari.usage.ports import Batch
from ari.usage.watch.budget_warnings import BudgetWarning

_T = TypeVar("_T")

_MAX_AT_ONCE = 200
_STAGED = f"SELECT id FROM usage_staging WHERE kind = '{AI_USE}' AND id"
_FOLDED = "SELECT id FROM usage_ai WHERE id"
_SAVE = """INSERT INTO budget_warnings (owner_id, name, period_ms, threshold, unit, used, amount, at_ms)
    VALUES ({}) ON CONFLICT (owner_id, name, period_ms, threshold) DO UPDATE
    SET unit = excluded.unit, used = excluded.used, amount = excluded.amount, at_ms = excluded.at_ms
    WHERE budget_warnings.amount < excluded.amount"""


def find_settled_sqlite(connection: Any, log_file: Path, batch: Batch) -> set[str]:
    """The ids of retried settlements that an earlier commit has stored, although it was reported to have failed.

    The transaction has the staging file's lock. An entry leaves that file after it is in the log, so it is looked for
    there first.
    """
    found = set[str]()
    ids = _list_retried(batch)
    for some in _slice(ids):
        marks = ", ".join("?" * len(some))
        found.update(one for (one,) in connection.execute(f"{_STAGED} IN ({marks})", some))
        with closing(sqlite3.connect(f"{log_file.absolute().as_uri()}?mode=ro", uri=True)) as log:
            found.update(one for (one,) in log.execute(f"{_FOLDED} IN ({marks})", some))
    return found


def find_settled_postgres(connection: Any, batch: Batch) -> set[str]:
    """The same; the transaction has locked the counters, so the earlier commit has ended."""
    ids = _list_retried(batch)
    if not ids:
        return set()
    query = f"{_STAGED} = ANY(%s) UNION {_FOLDED} = ANY(%s)"
    return {one for (one,) in connection.execute(query, (ids, ids))}


class BudgetWarningTables:
    """The stored warnings; implements ``usage.watch.ports.BudgetWarnings``. ``engine`` is that of staged entries."""

    def __init__(self, engine: Engine, lock_file: Path | None) -> None:
        self._engine = engine
        self._lock_file = lock_file

    def read(self, limit: int) -> list[BudgetWarning]:
        query = select(*budget_warnings.c).order_by(budget_warnings.c.at_ms).limit(limit)
        with faults_as_unavailable(), read_only(self._engine) as connection:
            return [BudgetWarning(*row) for row in connection.execute(query)]

    def remove(self, reported: Sequence[BudgetWarning]) -> None:
        columns = (*budget_warnings.primary_key.columns, budget_warnings.c.amount)
        with faults_as_unavailable(), write_lock(self._lock_file), self._engine.begin() as connection:
            for some in _slice([(*_key(one), one.amount) for one in reported]):
                connection.execute(delete(budget_warnings).where(tuple_(*columns).in_(some)))


def save_warnings(connection: Any, mark: str, crossings: Iterable[Crossing], now_ms: int) -> None:
    """Store the thresholds that were reached until the watch reports them; ``mark`` is the driver's placeholder.

    One that is reached again after an increase takes the place of the first.
    """
    query = _SAVE.format(", ".join([mark] * 8))
    for one in crossings:
        connection.execute(query, (*_key(one), one.unit, one.used, one.limit, now_ms))


def _key(one: Crossing | BudgetWarning) -> tuple[str, str, int, int]:
    return one.owner_id, one.name, one.period_ms, one.threshold


def _list_retried(batch: Batch) -> list[str]:
    return [
        use.id for use in list_settlements(batch.completions) if use.settlement is not None and use.settlement.is_retry
    ]


def _slice(found: Sequence[_T]) -> Iterable[Sequence[_T]]:
    return (found[start : start + _MAX_AT_ONCE] for start in range(0, len(found), _MAX_AT_ONCE))
