"""Read the log for a page: of one key, or of all keys with their names."""

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.requests import Request

from ari.http.context import deps_of
from ari.keys.ports import KeyTransaction
from ari.keys.reasons import ACCEPTED, REASONS, REQUEST_ERRORS
from ari.usage.reports.queries import find_rows
from ari.usage.search import METHODS, SOURCES, SearchPage
from ari.web.usage_query import UsageQuery

ROWS_OF_KEY, ROWS_OF_ALL = 25, 10
"""The page of all keys also has an hourly chart and more tables; it stays below the weight limit of a page."""


@dataclass(frozen=True, slots=True)
class KeyName:
    """The name of a key in the log; the page of a deleted key has only its use."""

    text: str
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class UsageLog:
    """The log's section of a page; ``key_names`` is ``None`` on the page of one key. ``ever``: whether any request was
    logged."""

    query: UsageQuery
    found: SearchPage
    key_names: dict[str, KeyName] | None
    read_at_ms: int
    ever: bool
    codes = (ACCEPTED, *REASONS, *(code for code in REQUEST_ERRORS if code not in REASONS))
    methods = METHODS
    sources = SOURCES


async def read_usage_log(request: Request, query: UsageQuery, key_id: str | None, now_ms: int, ever: bool) -> UsageLog:
    """One page of the log that the query asks for."""
    deps = deps_of(request)
    found = SearchPage([], None)
    if not query.filter_problems:
        found = await deps.report(
            find_rows, query.search(key_id), query.values.get("before"), ROWS_OF_KEY if key_id else ROWS_OF_ALL
        )
    names = None if key_id else await deps.read(read_key_names, [row.key_id for row in found.rows])
    return UsageLog(query, found, names, now_ms, ever)


def read_key_names(tx: KeyTransaction, key_ids: Iterable[str]) -> dict[str, KeyName]:
    """The names of these keys; an ID that no key has had is absent."""
    found = {key_id: tx.keys.tombstone(key_id) for key_id in sorted(set(key_ids))}
    return {
        key_id: KeyName(key.name, key.deleted_at_ms is not None) for key_id, key in found.items() if key is not None
    }
