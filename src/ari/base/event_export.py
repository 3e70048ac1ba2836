"""Exports the audit log in pieces: CSV for spreadsheets, or JSON with one event per line."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from ari.base.clock import to_rfc3339
from ari.base.event_search import EventSearch
from ari.base.events import Event, Origin, event_facts
from ari.base.spreadsheet import write_csv
from ari.base.transaction import CommandTransaction
from ari.base.transaction import record as record_event

Format = Literal["csv", "jsonl"]
FORMATS: tuple[Format, ...] = ("csv", "jsonl")
MEDIA_TYPES: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
FILE_NAMES: dict[Format, str] = {"csv": "ari-events.csv", "jsonl": "ari-events.jsonl"}
EVENTS_A_PIECE = 1_000
_ID = re.compile(r"[a-z]{2,8}_[0-9A-HJKMNP-TV-Z]{26}")


def pieces(
    form: Format, batches: Iterable[list[Event]], *, bom: bool = True, clean: Callable[[str], str] = str
) -> Iterator[bytes]:
    """Yield the file, one piece per batch; a piece may be empty.

    ``bom``: whether a CSV file begins with a byte order mark. ``clean`` is applied to the text of CSV cells; JSON is
    ASCII.
    """
    if form == "csv":
        return write_csv(COLUMNS, ([_flatten(event, clean) for event in events] for events in batches), bom=bom)
    return ("".join(f"{json.dumps(event_facts(event))}\n" for event in events).encode() for events in batches)


def record(tx: CommandTransaction, form: Format, search: EventSearch) -> None:
    """Write the export's event, before any data is sent.

    Text of the caller that isn't an ID is left out: it may identify someone, or be a secret that was pasted.
    """
    detail = {
        "format": form,
        "names": None if search.names is None else list(search.names),
        "door": search.door,
        "since": None if search.since_ms is None else to_rfc3339(search.since_ms),
        "until": None if search.until_ms is None else to_rfc3339(search.until_ms),
        "actor": _keep_id(search.actor),
        "subject": _keep_id(search.subject),
        "by_address": True if search.address is not None else None,
        "by_request_id": True if search.request_id is not None else None,
        "by_text": True if search.text is not None else None,
    }
    record_event(tx, "events_exported", None, {name: value for name, value in detail.items() if value is not None})


def _keep_id(text: str | None) -> str | bool | None:
    """An ID, or whether there was any other text."""
    return text if text is None or _ID.fullmatch(text) else True


def _flatten(event: Event, clean: Callable[[str], str]) -> dict[str, object]:
    facts = event_facts(event) | {"detail": json.dumps(event.detail, sort_keys=True, ensure_ascii=False)}
    return {name: clean(value) if isinstance(value, str) else value for name, value in facts.items()}


COLUMNS: tuple[str, ...] = tuple(event_facts(Event("", 0, "signed_in", "", None, Origin("system"))))
