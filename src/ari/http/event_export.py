"""The audit log as a file; both HTTP doors offer it."""

import asyncio

from starlette.responses import Response

from ari.base import audit_feed, event_export
from ari.base.event_export import Format
from ari.base.event_search import EventSearch, find_events, list_batches
from ari.deps import Deps
from ari.http.file_response import stream_file


async def export_events(deps: Deps, search: EventSearch, form: Format, *, bom: bool = True) -> Response:
    """The file as an attachment with a fixed name. The event of the export is written first."""
    await deps.do(event_export.record, form, search)
    batches = list_batches(lambda before: deps.read_sync(find_events, search, before, event_export.EVENTS_A_PIECE))
    pieces = event_export.pieces(form, batches, bom=bom)
    return await stream_file(pieces, event_export.MEDIA_TYPES[form], event_export.FILE_NAMES[form])


async def collect_events(deps: Deps, after_id: str | None, limit: int, wait_seconds: int) -> bytes:
    """The lines of the next events. If there are none, wait for one, for so many seconds.

    Raises ``Conflict("cursor_gone")``.
    """
    for _ in range(wait_seconds):
        if await deps.read(audit_feed.has_after, after_id):
            break
        await asyncio.sleep(1)
    page = await deps.read(audit_feed.read_page, after_id, limit)
    return await asyncio.to_thread(b"".join, page.to_lines())
