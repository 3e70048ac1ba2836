"""Makes the staged entries of a batch. Each kind fills few of the staging table's columns.

Entries are in parts with the same columns: with all 45 of them, SQLite takes 207 µs for six requests and the ends and
AI uses of six others, in parts 91. How a request ended and its AI use are one entry if a batch has both.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from msgspec.structs import astuple

from ari.base.clock import MINUTE_MS
from ari.storage.bulk import Insert
from ari.storage.tables import usage_ai, usage_staging
from ari.storage.usage.rollups import AI_USE, ATTEMPTS, COMPLETION, FLOOD, REQUEST
from ari.storage.usage.row_ids import parse_id
from ari.usage.ai import AiUse
from ari.usage.cleaning import clean_use
from ari.usage.model import Attempt, Completion, UsageRow
from ari.usage.ports import Batch

Entry = tuple[Any, ...]

ROW_FIELDS = UsageRow.__struct_fields__[:-2]
"""The columns of a request. Of the last fields, ``ai`` has its own table, and ``charge`` is stored in the counters."""
_AI_FIELDS = tuple(usage_ai.c.keys())
_KIND_AND_ID = ("kind", "id_high", "id_low")
_END = ("status", "duration_ms", "bytes")
_NO_END = (None,) * len(_END)
_ALL = (*_KIND_AND_ID, *dict.fromkeys((*ROW_FIELDS, *_AI_FIELDS)))
_read_end, _read_use = attrgetter(*_END), attrgetter(*_AI_FIELDS)


class Part(NamedTuple):
    """Entries with the same columns, and how to insert them."""

    columns: tuple[str, ...]
    insert: Insert
    entries: list[Entry]

    def with_entries(self, entries: list[Entry]) -> "Part":
        """The same columns with these entries."""
        return Part(self.columns, self.insert, entries)


def _make_part(*columns: str) -> Part:
    return Part(columns, Insert(usage_staging, columns), [])


_REQUESTS = _make_part(*_KIND_AND_ID, *ROW_FIELDS[1:])
"""The id of a request is staged as two integers alone, and texts that are the usual one are left out."""
_ATTEMPTS = _make_part("kind", "at_ms", "code", "client_address", "count")
_COMPLETIONS = _make_part(*_KIND_AND_ID, *_END, "id")
_USES = _make_part(*_KIND_AND_ID, *_END, *_AI_FIELDS)
_TOGETHER = _make_part(*_ALL)


def make_parts(batch: Batch, rows: Sequence[UsageRow]) -> list[Part]:
    """The entries of a batch with these rows."""
    refused = [clean_use(row.ai) for row in rows if row.ai is not None and not row.accepted and row.count == 1]
    ends = {done.id: done for done in batch.completions if isinstance(done, Completion)}
    uses = [_ai_use(use, None) for use in refused]
    uses += [_ai_use(done, ends.pop(done.id, None)) for done in batch.completions if isinstance(done, AiUse)]
    parts = (
        (_REQUESTS, [_request(*astuple(row)) for row in rows]),
        (_ATTEMPTS, _attempts(batch.attempts)),
        (_COMPLETIONS, [_completion(done) for done in ends.values()]),
        (_USES, uses),
    )
    return [part.with_entries(entries) for part, entries in parts if entries]


def join_parts(parts: Sequence[Part]) -> Part:
    """All entries with all columns, for one statement: each would be a round trip to PostgreSQL."""
    if len(parts) == 1:
        return parts[0]
    joined: list[Entry] = []
    for part in parts:
        place = _place(part.columns)
        joined += [place((None, *entry)) for entry in part.entries]
    return _TOGETHER.with_entries(joined)


@lru_cache(8)
def _place(columns: Sequence[str]) -> Callable[[Entry], Entry]:
    """Makes an entry with all columns of ``None`` and these: 1 µs, where a dictionary takes 5."""
    return itemgetter(*(columns.index(name) + 1 if name in columns else 0 for name in _ALL))


def _request(
    row_id: str, at_ms: int, request_id: str, key_id: str, key_hint: str, code: str, method: str, route: str, path: str,
    address: str | None, agent: str | None, status: int | None, duration_ms: float | None, size: int | None, count: int,
    source: str, secret_number: int | None, consumed: str | None, *_others: object,
) -> Entry:  # fmt: skip
    """The entry of a row: 0.3 µs, where attributes would take 0.8."""
    return (
        REQUEST if count == 1 else FLOOD, *parse_id(row_id), at_ms, None if request_id == row_id else request_id,
        key_id, key_hint, code, method, route, None if path == route else path, address, agent, status, duration_ms,
        size, count, source, secret_number, consumed,
    )  # fmt: skip


def _attempts(attempts: Iterable[Attempt]) -> list[Entry]:
    """One entry for those alike, so that a flood is staged as a few entries."""
    alike: dict[tuple[int, str, str], tuple[int, int]] = {}
    for attempt in attempts:
        bucket = (attempt.at_ms // MINUTE_MS, attempt.reason, attempt.address)
        count, last_ms = alike.get(bucket, (0, attempt.at_ms))
        alike[bucket] = (count + attempt.count, max(last_ms, attempt.at_ms))
    return [(ATTEMPTS, last_ms, reason, address, count) for (_, reason, address), (count, last_ms) in alike.items()]


def _completion(done: Completion) -> Entry:
    return (COMPLETION, *parse_id(done.id), *_read_end(done), done.id)


def _ai_use(use: AiUse, done: Completion | None) -> Entry:
    return (AI_USE, *parse_id(use.id), *(_NO_END if done is None else _read_end(done)), *_read_use(use))
