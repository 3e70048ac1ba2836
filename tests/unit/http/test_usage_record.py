"""When the row of a request is committed, and what is in it."""

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest

from ari.base.errors import LimitExceeded, Unavailable
from ari.http.request_head import read_head
from ari.http.usage_record import UsageRecord
from ari.keys.limits.charge import Decision
from ari.keys.limits.counter import Exceeded
from ari.keys.limits.rules import Limit, LimitRules
from ari.keys.model import ApiKey
from ari.keys.policy import Policy
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


REFUSED = Decision(Exceeded("default", "rate_limited", 900), {}, [])
LIMITED = replace(KEY, policy=Policy(limits=LimitRules(1, (Limit("default", 1, 1_000),))))


class Refusing(Recorder):
    """Decides as a commit does: it refuses every charge."""

    async def write(self, row: Any) -> None:
        await super().write(row)
        if row.charge is not None:
            row.charge.decision = REFUSED


def test_only_an_allowed_request_is_charged() -> None:
    """A key that is refused anyway consumes nothing, nor does one without limits."""
    for key, code, is_charged in ((LIMITED, "ok", True), (LIMITED, "expired", False), (KEY, "ok", False)):
        record = record_with(Recorder(), begun=False)
        record.begin(read_head(SCOPE, 1_000), "/a/{x}", None, key, code)
        assert record.is_charged is is_charged
        assert record.decision is None


def test_a_refused_request_has_its_status_in_the_commit() -> None:
    """Before its handler or in place of its response; nothing is completed later."""
    for before in (True, False):
        recorder = Refusing()
        record = record_with(recorder, begun=False)
        record.begin(read_head(SCOPE, 1_000), "/a/{x}", None, LIMITED, "ok")

        async def run(record: UsageRecord = record, *, before: bool = before) -> None:
            with pytest.raises(LimitExceeded) as refused:
                await (record.commit_before_handler() if before else record.commit(200, 5))
            assert (refused.value.code, refused.value.limit) == ("rate_limited", "default")
            assert refused.value.retry_after_seconds == 1
            await record.commit(429, 9)

        asyncio.run(run())
        assert len(recorder.rows) == 1
        assert recorder.completions == []
        assert record.decision is REFUSED


def test_extra_rows_can_be_committed_before_the_response_is_known() -> None:
    """With the caller's row, which is completed afterwards; without it, if that is committed."""
    for committed in (False, True):
        recorder = Recorder()
        record = record_with(recorder)

        async def run(record: UsageRecord = record, *, committed: bool = committed) -> None:
            if committed:
                await record.commit_before_handler()
            record.extra_batch = Batch(rows=[cast("Any", "extra")])
            await record.commit_extra()
            await record.commit(200, 7)

        asyncio.run(run())
        assert [row if row == "extra" else row.key_id for row in recorder.rows] == ["key_1", "extra"]
        assert [(done.status, done.bytes) for done in recorder.completions] == [(200, 7)]


def test_a_response_after_an_interrupted_commit_is_in_the_log() -> None:
    """Such as the 504 of a time limit: whether the row was stored or not, the log has it once and with this status."""
    recorder = Recorder(cast("Any", asyncio.CancelledError()))
    record = record_with(recorder)

    async def run() -> None:
        with pytest.raises(asyncio.CancelledError):
            await record.commit(200, 5)
        recorder.fault = None
        await record.commit(504, 7)

    asyncio.run(run())
    [row] = recorder.rows
    assert record.row is not None
    assert (row.id, row.status, row.charge) == (record.row.id, 504, None)
    assert [(done.status, done.bytes) for done in recorder.completions] == [(504, 7)]


def test_a_response_in_place_of_a_logged_one_is_in_the_log() -> None:
    """The head of the first could not be sent; the same status again changes nothing."""
    recorder = Recorder()
    record = record_with(recorder)

    async def run() -> None:
        for status in (200, 200, 500, 500):
            await record.commit(status, 5)

    asyncio.run(run())
    assert len(recorder.rows) == 1
    assert [done.status for done in recorder.completions] == [500]


def test_an_interrupted_commit_without_a_response_is_that_of_a_client_that_is_gone() -> None:
    """If the row is stored, it says so."""
    recorder = Recorder(cast("Any", asyncio.CancelledError()))
    record = record_with(recorder)

    async def run() -> None:
        with pytest.raises(asyncio.CancelledError):
            await record.commit(200, 5)

    asyncio.run(run())
    record.complete(499, None)
    assert [done.status for done in recorder.completions] == [499]
