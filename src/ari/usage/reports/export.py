"""Exports the usage log in pieces: CSV for spreadsheets, or a JSON array with one row per line."""

import json
from collections.abc import Iterable, Iterator
from typing import Literal

from ari.base.clock import to_rfc3339
from ari.base.spreadsheet import write_csv
from ari.base.transaction import record as record_event
from ari.keys.ports import KeyTransaction
from ari.usage.model import UsageRow
from ari.usage.reports.facts import row_facts
from ari.usage.search import UsageSearch

Format = Literal["csv", "json"]
FORMATS: tuple[Format, ...] = ("csv", "json")
MEDIA_TYPES: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
FILE_NAMES: dict[Format, str] = {"csv": "ari-usage.csv", "json": "ari-usage.json"}


def pieces(form: Format, batches: Iterable[list[UsageRow]], *, bom: bool = True) -> Iterator[bytes]:
    """Yield the file, one piece per batch; a piece may be empty. A JSON array that was cut off does not parse.

    ``bom``: whether a CSV file begins with a byte order mark.
    """
    if form == "csv":
        return write_csv(COLUMNS, (map(_flat, rows) for rows in batches), bom=bom)
    return _json_pieces(batches)


def record(tx: KeyTransaction, form: Format, search: UsageSearch) -> None:
    """Write the export's event, before any data is sent. Address and text are left out: they may identify someone."""
    where, status = search.where, search.status
    detail = {
        "format": form,
        "code": where.code,
        "since": None if where.since_ms is None else to_rfc3339(where.since_ms),
        "until": None if where.until_ms is None else to_rfc3339(where.until_ms),
        "method": search.method,
        "status": None if status is None else [status.low, status.high],
        "source": search.source,
        "consumer": None if search.group is None else search.group.consumer_id,
        "tag": None if search.group is None else search.group.tag,
        "by_address": True if search.addresses is not None else None,
        "by_text": True if search.text is not None else None,
    }
    given = {name: value for name, value in detail.items() if value is not None}
    record_event(tx, "usage_exported", where.key_id, given)


def _json_pieces(batches: Iterable[list[UsageRow]]) -> Iterator[bytes]:
    before = "[\n"
    for rows in batches:
        if rows:
            lines = ",\n".join(json.dumps(row_facts(row)) for row in rows)
            yield f"{before}{lines}".encode()
            before = ",\n"
        else:
            yield b""
    yield b"[]\n" if before == "[\n" else b"\n]\n"


def _flat(row: UsageRow) -> dict[str, object]:
    """The row's fields, with a column for each field of its AI use."""
    facts = row_facts(row) | {"consumed": row.consumed}
    used = facts.pop("ai") or {}
    return facts | {f"ai_{name}": used.get(name) for name in _AI}


_AI = (
    "provider",
    "model",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cost_usd",
    "price_version",
    "is_estimated",
    "cache_written_tokens",
    "audio_tokens",
    "reasoning_tokens",
    "alias",
)
_NOBODY = UsageRow("", 0, "", "", "", "", "", "", "", None, None)
COLUMNS: tuple[str, ...] = tuple(_flat(_NOBODY))
