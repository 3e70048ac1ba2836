"""Callers that share a commit: one that leaves, or one commit too many, changes nothing for the others."""

import asyncio

import pytest

from ari.base.errors import Unavailable
from ari.usage.ports import Batch
from ari.usage.waiting_rows import MAX_ROWS_PER_COMMIT, SharedFuture, WaitingRows, fail, fits
from tests.support.usage import make_row


def test_a_caller_that_leaves_cancels_no_other() -> None:
    """Promise 2: the row of the one that stays is still awaited."""

    async def scenario() -> None:
        shared = SharedFuture(loop=asyncio.get_running_loop())

        async def wait() -> None:
            await shared

        leaves, stays = asyncio.create_task(wait()), asyncio.create_task(wait())
        await asyncio.sleep(0)
        leaves.cancel()
        await asyncio.sleep(0)
        shared.set_result(None)
        await stays
        with pytest.raises(asyncio.CancelledError):
            await leaves

    asyncio.run(scenario())


def test_a_commit_has_a_bound_but_takes_the_first_rows_whatever_their_number() -> None:
    """So one request with many rows is committed, and many requests make nobody wait for long."""

    async def scenario() -> None:
        future = asyncio.get_running_loop().create_future()
        many = WaitingRows([make_row()] * (MAX_ROWS_PER_COMMIT + 1), [], future, 0.0, 0.0)
        one = WaitingRows([make_row()], [], future, 0.0, 0.0)
        assert fits(Batch(), many)
        assert fits(Batch(rows=[make_row()] * (MAX_ROWS_PER_COMMIT - 1)), one)
        assert not fits(Batch(rows=[make_row()] * MAX_ROWS_PER_COMMIT), one)

    asyncio.run(scenario())


def test_a_failed_commit_leaves_callers_alone_that_have_their_result() -> None:
    """Setting a result twice would raise in the event loop."""

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        done, waits = loop.create_future(), loop.create_future()
        done.set_result(None)
        fail([WaitingRows([], [], one, 0.0, 0.0) for one in (done, waits)], "The disk is full.")
        assert done.result() is None
        with pytest.raises(Unavailable, match="The disk is full"):
            waits.result()

    asyncio.run(scenario())
