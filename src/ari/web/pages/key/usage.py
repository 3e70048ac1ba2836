"""The usage part of a key's page: numbers, the filtered log, the live tail, the export."""

from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.base.clock import MINUTE_MS, SECOND_MS
from ari.base.errors import RateLimited
from ari.base.transaction import CommandTransaction
from ari.http.body import form_of
from ari.http.context import deps_of, session_of
from ari.http.route_policy import AuthMode, policy
from ari.instance import Instance
from ari.keys.reasons import ACCEPTED, REASONS, REQUEST_ERRORS
from ari.usage import addresses, spans, tails
from ari.usage.model import MANY, KeyClient, KeyTotals
from ari.usage.ports import UsageReader
from ari.usage.reports import ai_summary, summary
from ari.usage.reports.ai_summary import AiSummary
from ari.usage.reports.summary import KeySummary
from ari.usage.search import SearchPage, UsageSearch
from ari.web import words
from ari.web.ai_use import AiView, build_ai_view
from ari.web.charts import BarChart, draw_bars
from ari.web.pages.export import export_response
from ari.web.pages.key import urls
from ari.web.pages.key.urls import KEY
from ari.web.render import Pages
from ari.web.usage_query import UsageQuery, parse_usage_query

ROWS = 25
TAIL_ROWS = 200
"""The most rows that one response of the live tail has."""
STATUS_ROWS = 2_000
"""HTTP statuses have no rollup: they are counted in this many of the newest rows."""
SEEN_LISTED = 10
_SEEN_READ = 200
_LONGEST_GAP_MS = 10 * MINUTE_MS
_BUCKET = "tail:"
_ROUTE_WORDS = {MANY: "Multiple routes (flood)", "(none)": "Unknown route"}
CODES = (ACCEPTED, *REASONS, *(code for code in REQUEST_ERRORS if code not in REASONS))


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """The usage part of the page; ``addresses`` and ``agents`` cover all time, not only this span."""

    query: UsageQuery
    summary: KeySummary
    chart: BarChart
    statuses: list[tuple[int | None, int]]
    addresses: list[KeyClient]
    agents: list[KeyClient]
    new_addresses: list[KeyClient]
    found: SearchPage
    read_at_ms: int
    ever: bool
    """Whether the key was ever used, or refused."""
    ai: AiView | None
    """Its use of the AI gateway in this span."""

    def results(self) -> list[tuple[str, int, str]]:
        """Results: name, count, and the kind that colors it."""
        return [
            (words.outcome(code), count, "accepted" if code == ACCEPTED else "refused")
            for code, count in self.summary.counts.codes
        ]

    def routes(self, most: int) -> list[tuple[str, int, str]]:
        """The most requested routes, and the others together."""
        every = [(one.route, one.accepted_count + one.refused_count) for one in self.summary.routes]
        named, others = spans.top(every, most)
        rows = [(_ROUTE_WORDS.get(route, route), count, "accepted") for route, count in named]
        return [*rows, ("Other", others, "other")] if others else rows

    def http_statuses(self) -> list[tuple[str, int, str]]:
        """Statuses as text; those from 400 on are colored."""
        return [
            (
                "pending" if status is None else str(status),
                count,
                "refused" if (status or 0) >= 400 else "accepted",
            )
            for status, count in self.statuses
        ]

    @property
    def many_rows(self) -> bool:
        """Whether the span has more requests than the rows whose statuses were counted."""
        return self.summary.counts.accepted + self.summary.counts.refused > sum(count for _, count in self.statuses)


def read_usage(
    reader: UsageReader, query: UsageQuery, key_id: str
) -> tuple[KeySummary, list[tuple[int | None, int]], SearchPage, AiSummary]:
    """The numbers of one key in this span, its newest HTTP statuses, the rows found, and what it used at providers."""
    search = query.search(key_id)
    statuses = reader.newest_statuses(search.within_span_only(), STATUS_ROWS)
    numbers, used = summary.of_key(reader, key_id, query.span), ai_summary.of_span(reader, query.span, key_id)
    return numbers, statuses, reader.search(search, query.values.get("before"), ROWS), used


async def usage_of(instance: Instance, request: Request, key_id: str, totals: KeyTotals) -> KeyUsage:
    """Read the usage part of the page."""
    now_ms = instance.now_ms()
    query = parse_usage_query(request, now_ms, urls.page(key_id))
    numbers, statuses, found, used = await deps_of(request).report(read_usage, query, key_id)
    seen, agents = await instance.aseen(key_id, _SEEN_READ)
    new = addresses.new_addresses(seen, totals.first_used_at_ms, now_ms)
    chart = draw_bars(numbers.counts)
    ever = totals.request_count + totals.refused_count > 0
    return KeyUsage(query, numbers, chart, statuses, seen, agents, new, found, now_ms, ever, build_ai_view(used, {}))


class LeaseStore(Protocol):
    """Stores the leases of live tails, as counted attempts, which expire."""

    def attempts(self, bucket: str) -> tuple[int, ...]: ...
    def attempts_now(self, bucket: str) -> tuple[int, ...]: ...
    def keep_attempts(self, bucket: str, instants_ms: tuple[int, ...], forget_at_ms: int) -> None: ...


class LeaseTransaction(CommandTransaction, Protocol):
    """One transaction over leases."""

    @property
    def accounts(self) -> LeaseStore: ...


class KeyUsagePages:
    """``/settings/keys/{id}/tail`` and ``/settings/keys/{id}/export``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        tail, export = f"{KEY}/tail", f"{KEY}/export"
        return [
            Route(tail, self.lease, methods=["POST"]),
            Route(tail, self.tail, methods=["GET"]),
            Route(export, self.export, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def lease(self, request: Request) -> Response:
        """Begin, renew or end a live tail. Raises ``RateLimited`` where the session has ten (security.md 33)."""
        form, bucket = form_of(request), _bucket(request)
        held, ended = _number(form.get("lease")), "end" in form

        mine = await deps_of(request).do(hold_tail, bucket, held, ended)
        if mine is None:
            raise RateLimited(f"Live view is limited to {tails.MAX_TAILS} open tabs. Close one and try again.", 10)
        return JSONResponse({"lease": str(mine)})

    @policy(AuthMode.SESSION)
    async def tail(self, request: Request) -> Response:
        """The newest rows, starting a few seconds before ``since``, because workers commit out of time order."""
        key_id: str = request.path_params["key_id"]
        now_ms, bucket = self._instance.now_ms(), _bucket(request)
        held = await deps_of(request).read(read_leases, bucket)
        if not tails.is_held(held, _number([request.query_params.get("lease", "")]) or 0, now_ms):
            return Response(status_code=409)
        await deps_of(request).read(keys.get, key_id)
        overlap_ms = round(2 * SECOND_MS * self._instance.settings.usage_wait_seconds)
        since_ms = _number([request.query_params.get("since", "")]) or now_ms
        since_ms = max(min(since_ms, now_ms), now_ms - _LONGEST_GAP_MS) - overlap_ms
        query = parse_usage_query(request, now_ms, urls.page(key_id))
        search = query.search(key_id).within(since_ms, None)
        found = await deps_of(request).report(find_rows, search, None, TAIL_ROWS)
        return self._pages.page(request, "pages/key/_tail.html", rows=found.rows, read_at_ms=now_ms)

    @policy(AuthMode.SESSION, sensitive=True)
    async def export(self, request: Request) -> Response:
        """Every row that matches the page's filters, as a file."""
        key_id: str = request.path_params["key_id"]
        await deps_of(request).read(keys.get, key_id)
        return await export_response(self._instance, request, urls.page(key_id), key_id)


def read_leases(tx: LeaseTransaction, bucket: str) -> tuple[int, ...]:
    """The leases of this session's live tails."""
    return tx.accounts.attempts_now(bucket)


def find_rows(reader: UsageReader, search: UsageSearch, before: str | None, limit: int) -> SearchPage:
    """Search the log."""
    return reader.search(search, before, limit)


def hold_tail(tx: LeaseTransaction, bucket: str, held: int | None, ended: bool) -> int | None:
    """Begin, renew or end (0) a live tail of this session; ``None`` where it has as many as it may have."""
    leases = tx.accounts.attempts(bucket)
    mine: int | None
    if ended:
        kept, mine = tails.end_lease(leases, held or 0, tx.now_ms), 0
    else:
        kept, mine = tails.take_lease(leases, held, tx.now_ms)
    tx.accounts.keep_attempts(bucket, kept, tx.now_ms + tails.LEASE_MS)
    return mine


def _bucket(request: Request) -> str:
    return _BUCKET + session_of(request).session.digest.hex()


def _number(texts: list[str] | None) -> int | None:
    text = texts[0] if texts else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None
