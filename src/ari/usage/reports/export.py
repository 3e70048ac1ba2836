"""Exports the usage log in pieces: CSV for spreadsheets, or a JSON array with one row per line."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Literal

from ari.base.clock import to_rfc3339
from ari.base.spreadsheet import write_csv
from ari.base.transaction import record as record_event
from ari.keys.ports import KeyTransaction
from ari.keys.queries import KeyNames
from ari.usage.cleaning import clean
from ari.usage.model import UsageRow
from ari.usage.reports.facts import row_facts
from ari.usage.search import UsageSearch

Format = Literal["csv", "json"]
NameKeys = Callable[[Collection[str]], Mapping[str, KeyNames]]
FORMATS: tuple[Format, ...] = ("csv", "json")
MEDIA_TYPES: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
FILE_NAMES: dict[Format, str] = {"csv": "ari-usage.csv", "json": "ari-usage.json"}


def pieces(
    form: Format, batches: Iterable[list[UsageRow]], name_keys: NameKeys, *, bom: bool = True
) -> Iterator[bytes]:
    """Yield the file, one piece per batch; a piece may be empty. A JSON array that was cut off does not parse.

    ``name_keys`` finds the names that a CSV file has. ``bom``: whether it begins with a byte order mark.
    """
    if form == "csv":
        return write_csv(COLUMNS, _flatten(batches, name_keys), bom=bom)
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


def _flatten(batches: Iterable[list[UsageRow]], name_keys: NameKeys) -> Iterator[list[dict[str, object]]]:
    known = dict[str, KeyNames]()
    for rows in batches:
        missing = {row.key_id for row in rows} - known.keys()
        known |= dict.fromkeys(missing, _NO_NAMES) | dict(name_keys(missing))
        yield [_flat(row, known[row.key_id]) for row in rows]


def _flat(row: UsageRow, names: KeyNames) -> dict[str, object]:
    """The row's fields, with a column for each field of its AI use, and the names of its key and consumer."""
    facts = row_facts(row) | {"consumed": row.consumed}
    used = facts.pop("ai") or {"provider": _find_provider(row)}
    columns = {f"ai_{name}": used.get(name) for name in _AI}
    key_name, consumer_name = (clean(name, _MAX_NAME) for name in (names.key, names.consumer))
    return facts | columns | {"key_name": key_name, "consumer_id": names.consumer_id, "consumer_name": consumer_name}


def _find_provider(row: UsageRow) -> str | None:
    """The provider of a request to the AI gateway that was refused."""
    return row.path.split("/")[3] if row.route.startswith(_GATEWAY) and row.path.startswith(_GATEWAY) else None


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
_MAX_NAME = 200
_GATEWAY = "/api/ai/"
_NO_NAMES = KeyNames()
_NOBODY = UsageRow("", 0, "", "", "", "", "", "", "", None, None)
COLUMNS: tuple[str, ...] = tuple(_flat(_NOBODY, _NO_NAMES))
