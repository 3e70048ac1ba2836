"""The audit log as a file; both HTTP doors offer it."""

import asyncio
from typing import Protocol

from starlette.responses import Response

from ari.backups.audit_history import HistoryTransaction, require_own_cursor
from ari.base import audit_feed, event_export
from ari.base.audit_feed import FeedPage
from ari.base.caller import Caller
from ari.base.errors import Forbidden
from ari.base.event_export import Format
from ari.base.event_search import EventSearch, find_events, list_batches
from ari.deps import Deps
from ari.http.file_response import stream_file
from ari.keys import scopes

AUDIT_SCOPE = "audit:read"


class _FeedOfCaller(HistoryTransaction, Protocol):
    """A transaction that reads the audit log, and for whom."""

    @property
    def caller(self) -> Caller: ...


async def export_events(deps: Deps, search: EventSearch, form: Format, *, bom: bool = True) -> Response:
    """The file as an attachment with a fixed name. The event of the export is written first."""
    await deps.do(event_export.record, form, search)
    batches = list_batches(lambda before: deps.read_sync(find_events, search, before, event_export.EVENTS_A_PIECE))
    pieces = event_export.pieces(form, batches, bom=bom)
    return await stream_file(pieces, event_export.MEDIA_TYPES[form], event_export.FILE_NAMES[form])


async def collect_events(deps: Deps, after_id: str | None, limit: int, wait_seconds: int, history: str | None) -> bytes:
    """The lines of the next events. If there are none, wait for one, for so many seconds or until the server stops.

    Raises ``Conflict("cursor_gone")``, and ``CallerRevoked`` or ``Forbidden`` if the caller may not read them any more.
    """
    await deps.read_for_caller(_require_own_cursor, after_id, history)
    for _ in range(wait_seconds):
        if deps.instance.stopping.is_set() or await deps.read_for_caller(_has_after, after_id):
            break
        await asyncio.sleep(1)
    page = await deps.read_for_caller(_read_page, after_id, limit)
    return await asyncio.to_thread(b"".join, page.to_lines())


def _has_after(tx: _FeedOfCaller, after_id: str | None) -> bool:
    _check_caller(tx)
    return audit_feed.has_after(tx, after_id)


def _require_own_cursor(tx: _FeedOfCaller, after_id: str | None, history: str | None) -> None:
    _check_caller(tx)
    require_own_cursor(tx, after_id, history)


def _read_page(tx: _FeedOfCaller, after_id: str | None, limit: int) -> FeedPage:
    _check_caller(tx)
    return audit_feed.read_page(tx, after_id, limit)


def _check_caller(tx: _FeedOfCaller) -> None:
    """The key of a caller that waited may have lost the scope since."""
    if not scopes.holds(tx.caller.scopes, AUDIT_SCOPE):
        raise Forbidden(f"This key needs the scope “{AUDIT_SCOPE}”.", AUDIT_SCOPE)
