"""The usage log as a file, over HTTP."""

import asyncio
from pathlib import Path

import pytest
from starlette.responses import StreamingResponse

from ari.deps import Deps
from ari.http import usage_export
from ari.usage.ports import Batch
from ari.usage.search import UsageSearch
from tests.support.instances import opened
from tests.support.usage import make_row


async def _read(response: StreamingResponse) -> bytes:
    return b"".join([bytes(piece) async for piece in response.body_iterator if not isinstance(piece, str)])


def test_the_whole_log_is_sent_piece_by_piece(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row once, whatever fits in a piece; who exported it is an event before the first byte is sent."""
    monkeypatch.setattr(usage_export, "ROWS_A_PIECE", 2)
    with opened(data_dir, None) as instance:
        rows = [make_row() for _ in range(5)]
        instance.database.usage.commit(Batch(rows))

        async def run() -> bytes:
            response = await usage_export.export_answer(Deps(instance), UsageSearch(), "csv", bom=False)
            assert isinstance(response, StreamingResponse)
            assert [event.name for event in Deps(instance).read_sync(lambda tx: tx.events.page(None, None, 1))] != []
            assert response.headers["content-disposition"].startswith('attachment; filename="')
            return await _read(response)

        lines = asyncio.run(run()).decode().splitlines()
    assert len(lines) == 1 + len(rows)
    assert all(sum(row.id in line for line in lines) == 1 for row in rows)
