"""A file that is sent while it is read."""

import asyncio
from collections.abc import Iterator

import pytest
from starlette.responses import StreamingResponse

from ari.base.errors import Unavailable
from ari.http.file_response import stream_file


def test_pieces_are_sent_in_order_without_the_empty_ones() -> None:
    """An empty piece would end a chunked response."""

    async def run() -> list[bytes]:
        response = await stream_file(iter([b"", b"a", b"", b"b"]), "text/csv", "f.csv")
        assert isinstance(response, StreamingResponse)
        return [bytes(piece) async for piece in response.body_iterator if not isinstance(piece, str)]

    assert asyncio.run(run()) == [b"a", b"b"]


def _raise() -> bytes:
    raise Unavailable("The database is down.")


def test_a_file_that_cannot_be_read_is_an_error_and_not_a_short_file() -> None:
    """The status is sent after the first piece was read."""

    def fail() -> Iterator[bytes]:
        yield from (_raise() for _ in range(1))

    with pytest.raises(Unavailable):
        asyncio.run(stream_file(fail(), "text/csv", "f.csv"))
