"""A row of the log with all its texts, as another engine than PostgreSQL stores it."""

from collections.abc import Iterable
from typing import Any, cast

import msgspec

from ari.storage.usage.row_ids import TIME_SHIFT, RowId, format_id, parse_id
from ari.usage.cleaning import MAX_STATUS
from ari.usage.model import Source, UsageRow

MOVED = 0
"""In the place of the number under which a row was staged: it was folded before, and moved later."""


class LoggedRow(msgspec.Struct, array_like=True):
    """The fields in the order of the columns; empty texts and a status of 0 are unknown or the usual ones.

    ``staged`` is the number of the entry that was counted. Of several versions of a row, the highest is the latest: it
    grows with what is known of a request, so the order in which versions arrive doesn't matter.
    """

    id_high: int
    id_low: int
    version: int
    staged: int
    at_offset_ms: int
    request_id: str
    key_id: str
    key_hint: str
    code: str
    method: str
    route: str
    path: str
    client_address: str
    user_agent: str
    status: int
    duration_ms: float | None
    bytes: int | None
    count: int
    source: str
    secret_number: int | None
    consumed: str | None

    @property
    def row_id(self) -> RowId:
        return RowId(self.id_high, self.id_low)


COLUMNS = LoggedRow.__struct_fields__
_encoder, _decoder = msgspec.json.Encoder(), msgspec.json.Decoder(LoggedRow)


def fit_status(status: int | None) -> int:
    """0 if it is unknown or impossible: nodes of older versions staged any number."""
    return status if status is not None and 0 < status <= MAX_STATUS else 0


def version_of(status: int, count: int) -> int:
    """Grows when the status becomes known, and with the count of a flood."""
    return 2 * count + (status != 0)


def complete(row: LoggedRow, status: int, duration_ms: float, size: int | None) -> LoggedRow:
    """The row once its request ended; the last of several ends counts."""
    version = version_of(status, row.count)
    if row.status not in (0, status):
        version = row.version + 1
    ended = {"status": status, "duration_ms": duration_ms, "bytes": size, "version": version}
    return msgspec.structs.replace(row, **ended)


def reduce(row: LoggedRow) -> LoggedRow:
    """The row without any value that a caller or a service could choose, for an engine that refuses one."""
    chosen = {"request_id": "", "path": "", "client_address": "", "user_agent": "", "status": 0, "duration_ms": None,
              "bytes": None, "secret_number": None, "consumed": None}  # fmt: skip
    return msgspec.structs.replace(row, **chosen)


def from_row(row: UsageRow) -> LoggedRow:
    """A row that was folded before."""
    high, low = parse_id(row.id)
    status = fit_status(row.status)
    return LoggedRow(
        high, low, version_of(status, row.count), MOVED, row.at_ms - (high >> TIME_SHIFT),
        "" if row.request_id == row.id else row.request_id, row.key_id, row.key_hint, row.code, row.method, row.route,
        "" if row.path == row.route else row.path, row.client_address or "", row.user_agent or "", status,
        row.duration_ms, row.bytes, row.count, row.source, row.secret_number, row.consumed,
    )  # fmt: skip


def to_row(row: LoggedRow) -> UsageRow:
    """The row as reports show it."""
    row_id = format_id(row.id_high, row.id_low)
    return UsageRow(
        row_id, (row.id_high >> TIME_SHIFT) + row.at_offset_ms, row.request_id or row_id, row.key_id, row.key_hint,
        row.code, row.method, row.route, row.path or row.route, row.client_address or None, row.user_agent or None,
        row.status or None, row.duration_ms, row.bytes, row.count, cast("Source", row.source), row.secret_number,
        row.consumed,
    )  # fmt: skip


def encode(rows: Iterable[LoggedRow]) -> bytes:
    """One JSON list on each line."""
    return _encoder.encode_lines(rows)


def decode(lines: bytes) -> list[LoggedRow]:
    """The reverse of ``encode``. Raises ``msgspec.ValidationError``."""
    return _decoder.decode_lines(lines)


def decode_values(lines: bytes) -> list[list[Any]]:
    """Lists of any values, one on each line."""
    return msgspec.json.Decoder(list[Any]).decode_lines(lines)


def decode_names(line: bytes) -> list[str]:
    """The names of columns. Raises ``msgspec.ValidationError``."""
    return msgspec.json.decode(line, type=list[str])
