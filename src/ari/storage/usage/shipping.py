"""Gives the rows of a fold to another engine, before the transaction that counts them commits.

If the process ends in between, the entries are still staged, and the next fold sends their rows again. A row that is
sent twice has the same id and version, so it is stored once, and only this transaction counts.
"""

# ruff: noqa: S608 - every name in these statements is our own

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, text

from ari.storage.usage.compact_sql import USUAL_SOURCE, for_postgresql
from ari.storage.usage.logged_row import LoggedRow, fit_status, version_of
from ari.storage.usage.rollups import AI_USE, COMPLETION, FIND_STORED, FLOOD, REQUEST
from ari.storage.usage.row_ids import TIME_SHIFT, RowId, parse_id
from ari.storage.usage.rows_elsewhere import add_reduced, read_mark, set_mark, wait_for_disk
from ari.usage.model import MANY

_COLUMNS = (
    "seq", "kind", "id", "id_high", "id_low", "at_ms", "request_id", "key_id", "key_hint", "code", "method", "route",
    "path", "client_address", "user_agent", "status", "duration_ms", "bytes", "count", "source", "secret_number",
    "consumed",
)  # fmt: skip
_ENTRIES = text(f"""SELECT {", ".join(_COLUMNS)} FROM usage_staging
    WHERE seq > :low AND seq <= :high AND (kind IN ('{REQUEST}', '{FLOOD}', '{COMPLETION}')
    OR kind = '{AI_USE}' AND status IS NOT NULL) ORDER BY seq""")
_FIND_STORED = text(for_postgresql(FIND_STORED))
_DELETE = text("DELETE FROM usage_staging WHERE seq = ANY(:numbers)")


class Ending(NamedTuple):
    """How a request ended that was staged without its status."""

    status: int
    duration_ms: float
    bytes: int | None


@dataclass(slots=True)
class Shipment:
    """The rows of a fold. ``requests`` may repeat a request; ``floods`` have the highest count of each."""

    requests: list[LoggedRow] = field(default_factory=list)
    floods: dict[RowId, LoggedRow] = field(default_factory=dict)
    endings: dict[RowId, Ending] = field(default_factory=dict)


class StoreResult(NamedTuple):
    """The numbers of entries that repeat a counted request, and how many rows lost values that the engine refuses."""

    repeated: set[int]
    reduced: int


class RowSink(Protocol):
    """The engine that stores the rows."""

    def prepare(self) -> None:
        """Raise ``Unavailable`` unless it is this log's. To call before the transaction that stores."""

    def store(self, shipment: Shipment) -> StoreResult:
        """Store the rows, and end those that ended.

        Doing it again, with the same entries or more, changes nothing. Raises ``Unavailable``; then any part of it may
        be stored.
        """


def ship(connection: Connection, sink: RowSink, span: Mapping[str, int]) -> None:
    """Send the rows of the staged entries in this span, and delete entries that repeat requests: they add nothing.

    The caller's transaction counts the others.
    """
    wait_for_disk(connection)
    if read_mark(connection) is None:
        set_mark(connection, "moving")
    stored_here = set(connection.scalars(_FIND_STORED, dict(span)))
    entries = connection.execute(_ENTRIES, {"low": span["low"], "high": span["high"]})
    shipment = _collect(entry for entry in entries if entry[0] not in stored_here)
    stored = sink.store(shipment)
    repeated = stored_here | stored.repeated
    if stored.reduced:
        add_reduced(connection, stored.reduced)
    if repeated:
        connection.execute(_DELETE, {"numbers": sorted(repeated)})


def choose_counted(rows: Sequence[LoggedRow], stored: Mapping[RowId, int]) -> tuple[list[LoggedRow], set[int]]:
    """Of staged requests, those to count, and the numbers of the others.

    ``stored`` has the number of the entry under which a request is stored. That entry was counted if it is no longer
    staged; if it is here, a fold sent its row and then ended. The first request of a flood is not looked for there.
    """
    groups: dict[RowId, list[LoggedRow]] = {}
    for row in rows:
        groups.setdefault(row.row_id, []).append(row)
    chosen, repeated = [], set[int]()
    for row_id, group in groups.items():
        number = None if group[0].method == MANY else stored.get(row_id)
        counted = group[0] if number is None else next((row for row in group if row.staged == number), None)
        if counted is not None:
            chosen.append(counted)
        repeated.update(row.staged for row in group if row is not counted)
    return chosen, repeated


def _collect(entries: Iterator[Any]) -> Shipment:
    found = Shipment()
    for entry in entries:
        kind, row_id = entry[1], _find_id(entry)
        if kind in (COMPLETION, AI_USE):
            found.endings[row_id] = Ending(fit_status(entry[15]), entry[16], entry[17])
            continue
        row = _make_row(row_id, entry)
        if kind == REQUEST:
            found.requests.append(row)
        elif row_id not in found.floods or found.floods[row_id].count < row.count:
            found.floods[row_id] = row
    return found


def _find_id(entry: Any) -> RowId:
    """A node of an older version stages only the text."""
    return parse_id(entry[2]) if entry[3] is None else RowId(entry[3], entry[4])


def _make_row(row_id: RowId, entry: Any) -> LoggedRow:
    (
        seq, _, text_id, _, _, at_ms, request_id, key_id, key_hint, code, method, route, path, address, agent, status,
        duration_ms, size, count, source, secret_number, consumed,
    ) = entry  # fmt: skip
    status = fit_status(status)
    return LoggedRow(
        *row_id, version_of(status, count), seq, at_ms - (row_id.high >> TIME_SHIFT),
        "" if request_id is None or request_id == text_id else request_id, key_id, key_hint, code, method, route,
        "" if path is None or path == route else path, address or "", agent or "", status, duration_ms, size,
        count, source or USUAL_SOURCE, secret_number, consumed,
    )  # fmt: skip
