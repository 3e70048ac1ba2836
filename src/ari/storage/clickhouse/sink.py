"""Stores the rows of folds, so that storing any of them again changes nothing; implements ``shipping.RowSink``."""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence

from ari.base.errors import Unavailable
from ari.storage.clickhouse.clickhouse_client import ClickHouse, ValueRefused
from ari.storage.clickhouse.table import LATEST, SELECTED, TABLE
from ari.storage.usage.logged_row import LoggedRow, complete, encode, reduce
from ari.storage.usage.row_ids import RowId
from ari.storage.usage.shipping import Shipment, StoreResult, choose_counted

_IDS_AT_ONCE = 5_000
_MAX_REDUCED = 100
"""Rows of one insert that may be stored without values. More, and the table is wrong, not a row."""
_logger = logging.getLogger("ari.storage")


class ClickHouseSink:
    """The table of one database. ``prepare`` raises ``Unavailable`` unless it is the log's."""

    def __init__(self, database: ClickHouse, prepare: Callable[[], None]) -> None:
        self._database = database
        self.prepare = prepare
        self._reduced = 0

    def take_reduced(self) -> int:
        """How many rows lost values since the last call."""
        count, self._reduced = self._reduced, 0
        return count

    def store(self, shipment: Shipment) -> StoreResult:
        """See ``RowSink``."""
        stored = self._find_staged({row.row_id for row in shipment.requests})
        requests, repeated = choose_counted(shipment.requests, stored)
        rows = {row.row_id: row for row in requests} | shipment.floods
        missing = shipment.endings.keys() - rows.keys()
        for row in self._find_latest(missing):
            rows[row.row_id] = row
        for row_id, ending in shipment.endings.items():
            if row_id in rows:
                rows[row_id] = complete(rows[row_id], *ending)
        return StoreResult(repeated, self.add(list(rows.values())))

    def add(self, rows: Sequence[LoggedRow]) -> int:
        """Insert these rows. Returns how many lost values that ClickHouse refuses. Raises ``Unavailable``."""
        if not rows:
            return 0
        reduced = self._insert(sorted(rows, key=lambda row: row.row_id), _MAX_REDUCED)
        if reduced:
            self._reduced += reduced
            _logger.error("ClickHouse refuses values of %d requests. They are stored without them.", reduced)
        return reduced

    def _insert(self, rows: Sequence[LoggedRow], may_reduce: int) -> int:
        """Insert each half on its own if a value is refused: one row must not keep the others out."""
        try:
            self._store(rows)
        except ValueRefused as error:
            if may_reduce == 0:
                raise Unavailable(str(error), reason=error.reason) from None
            if len(rows) == 1:
                self._store([reduce(rows[0])])
                return 1
            middle = len(rows) // 2
            reduced = self._insert(rows[:middle], may_reduce)
            return reduced + self._insert(rows[middle:], may_reduce - reduced)
        return 0

    def _store(self, rows: Sequence[LoggedRow]) -> None:
        """Insert rows, and raise ``Unavailable`` unless ClickHouse has all of them: PostgreSQL will delete them."""
        stored = self._database.insert(encode(rows))
        if stored is None:
            stored = len(self._find_staged([row.row_id for row in rows]).keys() & {row.row_id for row in rows})
        if stored < len(rows):
            raise self._database.make_error(f"It stored {stored} of {len(rows)} rows.")

    def _find_staged(self, ids: Collection[RowId]) -> dict[RowId, int]:
        """The numbers of the entries under which these requests are stored; the others are absent."""
        found = {}
        for some in _slice(ids):
            query = f"SELECT id_high, id_low, staged FROM {TABLE} WHERE id_high IN %(highs)s"  # noqa: S608 - our own
            for high, low, staged in self._database.read(query, {"highs": some}):
                found[RowId(high, low)] = staged
        return found

    def _find_latest(self, ids: Collection[RowId]) -> Iterator[LoggedRow]:
        for some in _slice(ids):
            query = f"SELECT {SELECTED} FROM {TABLE} WHERE id_high IN %(highs)s {LATEST}"  # noqa: S608 - our own
            rows = self._database.read_rows(query, {"highs": some})
            yield from (row for row in rows if row.row_id in ids)


def _slice(ids: Collection[RowId]) -> Iterator[tuple[int, ...]]:
    highs = sorted({row_id.high for row_id in ids})
    for start in range(0, len(highs), _IDS_AT_ONCE):
        yield tuple(highs[start : start + _IDS_AT_ONCE])
