"""The usage log as a file that is sent while it is read, in bounded memory; both HTTP doors offer it."""

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from ari.deps import Deps
from ari.usage.reports import export
from ari.usage.reports.export import Format
from ari.usage.search import UsageSearch

ROWS_A_PIECE = 1_000


async def export_answer(deps: Deps, search: UsageSearch, form: Format, *, bom: bool = True) -> Response:
    """The file as an attachment with a fixed name. The event is written first; a log that cannot be read is a 503."""
    await deps.do(export.record, form, search)
    made = export.pieces(form, deps.instance.database.reports.pages(search, ROWS_A_PIECE), bom=bom)
    first = await asyncio.to_thread(next, made, b"")

    async def body() -> AsyncIterator[bytes]:
        piece: bytes | None = first
        while piece is not None:
            if piece:
                yield piece
            piece = await asyncio.to_thread(next, made, None)

    disposition = f'attachment; filename="{export.FILE_NAMES[form]}"'
    return StreamingResponse(body(), media_type=export.MEDIA_TYPES[form], headers={"content-disposition": disposition})
