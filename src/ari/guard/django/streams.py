"""The first piece of a streamed response, made before the response is logged: a stream that fails there is a 500."""

from collections.abc import AsyncIterator, Iterator
from itertools import chain
from typing import Any

from asgiref.sync import sync_to_async
from django.http.response import HttpResponseBase


def start_stream(response: HttpResponseBase) -> None:
    """Make the first piece of a stream. Raises what the stream raises, and closes it then. Files are left alone."""
    if _is_stream(response):
        with_pieces: Any = response
        try:
            if with_pieces.is_async:
                with_pieces.streaming_content = list(with_pieces)  # as Django serves it without an event loop
            else:
                with_pieces.streaming_content = _take_first(iter(with_pieces.streaming_content))
        except BaseException:
            response.close()
            raise


async def start_stream_async(response: HttpResponseBase) -> None:
    """Likewise, on an event loop."""
    if not _is_stream(response):
        return
    with_pieces: Any = response
    if not with_pieces.is_async:
        await sync_to_async(start_stream)(response)
        return
    pieces = aiter(with_pieces.streaming_content)
    try:
        first = await anext(pieces, b"")
    except BaseException:
        response.close()
        raise
    with_pieces.streaming_content = _join(first, pieces)


def _is_stream(response: HttpResponseBase) -> bool:
    return response.streaming and getattr(response, "file_to_stream", None) is None


def _take_first(pieces: Iterator[bytes]) -> Iterator[bytes]:
    return chain([next(pieces, b"")], pieces)


async def _join(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
