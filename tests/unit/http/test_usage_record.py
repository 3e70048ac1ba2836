"""When the row of a request is committed, and what is in it."""

import asyncio
from typing import Any, cast

import pytest

from ari.base.errors import Unavailable
from ari.http.request_head import read_head
from ari.http.usage_record import UsageRecord
from ari.keys.model import ApiKey
from ari.usage.ports import Batch

KEY = ApiKey("key_1", "n", "ari_k_Ab12…yz89", ("*",), 1_000, "usr_1")
SCOPE = {"method": "GET", "path": "/a/b", "raw_path": b"/a/b", "query_string": b"", "headers": []}


class Recorder:
    """Takes rows, or refuses them."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.rows: list[Any] = []
        self.completions: list[Any] = []

    async def write(self, row: Any) -> None:
        if self.fault is not None:
            raise self.fault
        self.rows.append(row)

    async def write_together(self, rows: Any, attempts: Any) -> None:
        self.rows += [*rows, *attempts]

    def complete(self, done: Any) -> None:
        self.completions.append(done)


class Clock:
    """Is 250 ms after the request came."""

    def monotonic(self) -> float:
        return 10.25


def record_with(recorder: Recorder, *, begun: bool = True) -> UsageRecord:
    taker: Any = recorder
    clock: Any = Clock()
    found = UsageRecord(taker, clock, 10.0)
    if begun:
        found.begin(read_head(SCOPE, 1_000), "/a/{x}", "192.0.2.1", KEY, "ok")
    return found


def test_the_row_has_the_response_in_it() -> None:
    """Status, length and duration, in the commit that releases the response."""
    recorder = Recorder()
    asyncio.run(record_with(recorder).commit(200, 5))
    [row] = recorder.rows
    assert (row.status, row.bytes, row.duration_ms) == (200, 5, 250.0)
    assert (row.key_id, row.route, row.path, row.client_address, row.code) == (
        "key_1",
        "/a/{x}",
        "/a/b",
        "192.0.2.1",
        "ok",
    )


def test_a_row_committed_before_its_handler_is_completed_later() -> None:
    """Once, whatever the response did."""
    recorder = Recorder()
    record = record_with(recorder)

    async def run() -> None:
        await record.commit_before_handler()
        assert [row.status for row in recorder.rows] == [None]
        await record.commit(201, None)
        record.complete(499, None)

    asyncio.run(run())
    assert len(recorder.rows) == 1
    assert [(done.status, done.duration_ms) for done in recorder.completions] == [(201, 250.0)]


def test_a_row_that_could_not_be_committed_is_not_tried_again() -> None:
    """The 503 that follows does not need it."""
    recorder = Recorder(Unavailable("no"))
    record = record_with(recorder)

    async def run() -> None:
        with pytest.raises(Unavailable):
            await record.commit_before_handler()
        await record.commit(503, 1)

    asyncio.run(run())
    assert recorder.rows == []


def test_extra_rows_share_the_commit() -> None:
    """Those of verified keys, and the counts of unknown ones."""
    recorder = Recorder()
    record = record_with(recorder)
    row, attempt = cast("Any", "row"), cast("Any", "attempt")
    record.extra_batch = Batch(rows=[row], attempts=[attempt])
    asyncio.run(record.commit(200, 1))
    assert recorder.rows[1:] == ["row", "attempt"]


def test_without_a_known_key_nothing_is_written() -> None:
    """A visitor of a page is not in the usage log."""
    recorder = Recorder()
    record = record_with(recorder, begun=False)

    async def run() -> None:
        await record.commit_before_handler()
        await record.commit(200, 1)

    asyncio.run(run())
    record.complete(499, None)
    assert recorder.rows == recorder.completions == []
