"""The audit log as a file, over HTTP."""

import asyncio
import json
from pathlib import Path

import pytest
from starlette.responses import StreamingResponse

from ari.base import event_export
from ari.base.event_search import EventSearch
from ari.base.transaction import record
from ari.deps import Deps
from ari.http.event_export import export_events
from tests.support.instances import opened


def test_the_whole_log_is_sent_piece_by_piece(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every event once, newest first, after the event of the export itself."""
    monkeypatch.setattr(event_export, "EVENTS_A_PIECE", 2)
    with opened(data_dir, None) as instance:
        deps = Deps(instance)
        events = [deps.do_sync(record, "mail_tested", None, {"number": number}) for number in range(5)]

        async def run() -> list[bytes]:
            response = await export_events(deps, EventSearch(), "jsonl")
            assert isinstance(response, StreamingResponse)
            assert response.headers["content-disposition"] == 'attachment; filename="ari-events.jsonl"'
            deps.do_sync(record, "mail_tested", None, {"number": "later"})
            return [bytes(piece) async for piece in response.body_iterator if not isinstance(piece, str)]

        found = asyncio.run(run())
    lines = [json.loads(line) for piece in found for line in piece.splitlines()]
    assert [line["name"] for line in lines] == ["events_exported"] + ["mail_tested"] * 5
    assert [line["id"] for line in lines[1:]] == [event.id for event in reversed(events)]
    assert len(found) == 3
