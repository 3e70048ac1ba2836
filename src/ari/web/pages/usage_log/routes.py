"""The live tail and the export of the log, of one key and of all keys."""

from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ari.base.clock import MINUTE_MS, SECOND_MS
from ari.base.errors import NotFound, RateLimited
from ari.base.transaction import CommandTransaction
from ari.http.body import form_of
from ari.http.context import deps_of, session_of
from ari.http.route_policy import AuthMode, policy
from ari.usage import live_tails
from ari.usage.reports.queries import find_rows
from ari.usage.search import SearchPage
from ari.web.pages.usage_log.export import export_response
from ari.web.pages.usage_log.view import read_key_names
from ari.web.render import Pages
from ari.web.usage_query import find_keys, parse_usage_query

TAIL_ROWS = 200
"""The most rows that one response of the live tail has."""
_LONGEST_GAP_MS = 10 * MINUTE_MS
_BUCKET = "tail:"


class LeaseStore(Protocol):
    """Stores the leases of live tails, as counted attempts, which expire."""

    def attempts(self, bucket: str) -> tuple[int, ...]: ...
    def attempts_now(self, bucket: str) -> tuple[int, ...]: ...
    def keep_attempts(self, bucket: str, instants_ms: tuple[int, ...], forget_at_ms: int) -> None: ...


class LeaseTransaction(CommandTransaction, Protocol):
    """One transaction over leases."""

    @property
    def accounts(self) -> LeaseStore: ...


class UsageLogPages:
    """``/tail`` and ``/export`` below the page at ``path``, which contains ``{key_id}`` if it shows one key."""

    def __init__(self, pages: Pages, path: str) -> None:
        self._path = path
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        tail, export = f"{self._path}/tail", f"{self._path}/export"
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
            raise RateLimited(f"Live view is limited to {live_tails.MAX_TAILS} open tabs. Close one and try again.", 10)
        return JSONResponse({"lease": str(mine)})

    @policy(AuthMode.SESSION)
    async def tail(self, request: Request) -> Response:
        """The newest rows, starting a few seconds before ``since``, because workers commit out of time order."""
        now_ms, bucket = self._instance.now_ms(), _bucket(request)
        held = await deps_of(request).read(read_leases, bucket)
        if not live_tails.is_held(held, _number([request.query_params.get("lease", "")]) or 0, now_ms):
            return Response(status_code=409)
        key_id, url = await self._place(request)
        overlap_ms = round(2 * SECOND_MS * self._instance.settings.usage_wait_seconds)
        since_ms = _number([request.query_params.get("since", "")]) or now_ms
        since_ms = max(min(since_ms, now_ms), now_ms - _LONGEST_GAP_MS) - overlap_ms
        query = parse_usage_query(request, now_ms, url)
        if key_id is None:
            query = await find_keys(deps_of(request), query)
        found = SearchPage([], None)
        if not query.filter_problems:
            search = query.search(key_id).within(since_ms, None)
            found = await deps_of(request).report(find_rows, search, None, TAIL_ROWS)
        names = None if key_id else await deps_of(request).read(read_key_names, [row.key_id for row in found.rows])
        return self._pages.page(
            request, "pages/usage_log/_tail.html", rows=found.rows, key_names=names, read_at_ms=now_ms
        )

    @policy(AuthMode.SESSION, sensitive=True)
    async def export(self, request: Request) -> Response:
        """Every row that matches the page's filters, as a file."""
        key_id, url = await self._place(request)
        return await export_response(self._instance, request, url, key_id)

    async def _place(self, request: Request) -> tuple[str | None, str]:
        """The key, ``None`` for all keys, and the page's URL. Raises ``NotFound``; a deleted key keeps its log."""
        key_id: str | None = request.path_params.get("key_id")
        if key_id is None:
            return None, self._path
        if not await deps_of(request).read(read_key_names, [key_id]):
            raise NotFound
        return key_id, self._path.format(key_id=key_id)


def read_leases(tx: LeaseTransaction, bucket: str) -> tuple[int, ...]:
    """The leases of this session's live tails."""
    return tx.accounts.attempts_now(bucket)


def hold_tail(tx: LeaseTransaction, bucket: str, held: int | None, ended: bool) -> int | None:
    """Begin, renew or end (0) a live tail of this session; ``None`` where it has as many as it may have."""
    leases = tx.accounts.attempts(bucket)
    mine: int | None
    if ended:
        kept, mine = live_tails.end_lease(leases, held or 0, tx.now_ms), 0
    else:
        kept, mine = live_tails.take_lease(leases, held, tx.now_ms)
    tx.accounts.keep_attempts(bucket, kept, tx.now_ms + live_tails.LEASE_MS)
    return mine


def _bucket(request: Request) -> str:
    return _BUCKET + session_of(request).session.digest.hex()


def _number(texts: list[str] | None) -> int | None:
    text = texts[0] if texts else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None
