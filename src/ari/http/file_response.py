"""A file that is sent while it is read, in bounded memory."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from starlette.responses import Response, StreamingResponse


async def stream_file(pieces: Iterator[bytes], media_type: str, file_name: str) -> Response:
    """The file as an attachment. Its first piece is read before the response begins: if that fails, it is an error."""
    first = await asyncio.to_thread(next, pieces, b"")

    async def body() -> AsyncIterator[bytes]:
        piece: bytes | None = first
        while piece is not None:
            if piece:
                yield piece
            piece = await asyncio.to_thread(next, pieces, None)

    headers = {"content-disposition": f'attachment; filename="{file_name}"'}
    return StreamingResponse(body(), media_type=media_type, headers=headers)
