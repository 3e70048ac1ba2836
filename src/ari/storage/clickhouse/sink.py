"""Stores the rows of folds, so that storing any of them again changes nothing; implements ``shipping.RowSink``."""

from collections.abc import Collection, Iterator, Sequence

from ari.storage.clickhouse.clickhouse_client import ClickHouse
from ari.storage.clickhouse.table import LATEST, SELECTED, TABLE
from ari.storage.usage.logged_row import LoggedRow, complete, decode, decode_values, encode
from ari.storage.usage.row_ids import RowId
from ari.storage.usage.shipping import Shipment, choose_counted

_IDS_AT_ONCE = 5_000


class ClickHouseSink:
    """The table of one database."""

    def __init__(self, database: ClickHouse) -> None:
        self._database = database

    def store(self, shipment: Shipment) -> set[int]:
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
        self.add(list(rows.values()))
        return repeated

    def add(self, rows: Sequence[LoggedRow]) -> None:
        """Insert these rows. Raises ``Unavailable``."""
        if rows:
            self._database.insert(encode(sorted(rows, key=lambda row: row.row_id)))

    def _find_staged(self, ids: Collection[RowId]) -> dict[RowId, int]:
        """The numbers of the entries under which these requests are stored; the others are absent."""
        found = {}
        for some in _slice(ids):
            query = f"SELECT id_high, id_low, staged FROM {TABLE} WHERE id_high IN %(highs)s"  # noqa: S608 - our own
            for high, low, staged in decode_values(self._database.read(query, {"highs": some})):
                found[RowId(high, low)] = staged
        return found

    def _find_latest(self, ids: Collection[RowId]) -> Iterator[LoggedRow]:
        for some in _slice(ids):
            query = f"SELECT {SELECTED} FROM {TABLE} WHERE id_high IN %(highs)s {LATEST}"  # noqa: S608 - our own
            rows = decode(self._database.read(query, {"highs": some}))
            yield from (row for row in rows if row.row_id in ids)


def _slice(ids: Collection[RowId]) -> Iterator[tuple[int, ...]]:
    highs = sorted({row_id.high for row_id in ids})
    for start in range(0, len(highs), _IDS_AT_ONCE):
        yield tuple(highs[start : start + _IDS_AT_ONCE])
