"""A time limit behaves as ``asyncio.timeout`` does, whichever comes first: the end, the limit, or a cancellation."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ari.base.time_limit import TimeLimit


def run(block: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """Run the block in a task, then let every timer of it end. Returns the cancellations that are left."""

    async def main() -> int:
        await block()
        await pass_turns()
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    return asyncio.run(main())


async def pass_turns() -> None:
    """Let all timers that are due run."""
    for _ in range(5):
        await asyncio.sleep(0)


async def wait_forever() -> None:
    """Nothing ends it but a cancellation."""
    await asyncio.Future()


def test_a_block_in_time_is_not_interrupted() -> None:
    """And nothing is left on the loop that could cancel the task later."""

    async def block() -> None:
        with TimeLimit(0.0) as limit:
            pass
        await pass_turns()
        assert not limit.is_expired

    assert run(block) == 0


def test_a_block_that_takes_too_long_is_interrupted() -> None:
    """The task goes on after it, and isn't canceled."""

    async def block() -> None:
        with pytest.raises(TimeoutError):
            await _wait_within(0.0)

    assert run(block) == 0


async def _wait_within(seconds: float) -> None:
    with TimeLimit(seconds):
        await wait_forever()


def test_a_fault_in_the_block_is_raised_as_it_is() -> None:
    """Also where it comes of the interruption."""

    async def fail() -> None:
        with TimeLimit(0.0):
            try:
                await wait_forever()
            except asyncio.CancelledError:
                raise LookupError from None

    async def block() -> None:
        with pytest.raises(LookupError):
            await fail()

    assert run(block) == 0


@pytest.mark.parametrize("seconds", [60.0, 0.0])
def test_a_task_that_others_cancel_stays_canceled(seconds: float) -> None:
    """Before the limit expires, and in the same turn of the loop."""

    async def block() -> None:
        task = asyncio.create_task(_wait_within(seconds))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    assert run(block) == 0


def test_the_end_can_be_changed() -> None:
    """To later and to sooner; after the block, and after it expired, that changes nothing."""

    async def end_now() -> None:
        with TimeLimit(60.0) as limit:
            limit.end_after(0)
            try:
                await wait_forever()
            finally:
                limit.end_after(0)

    async def block() -> None:
        with TimeLimit(0.0) as limit:
            limit.end_after(60)
            await pass_turns()
        limit.end_after(0)
        await pass_turns()
        with pytest.raises(TimeoutError):
            await end_now()

    assert run(block) == 0


def test_an_outer_limit_is_not_taken_for_an_inner_one() -> None:
    """The inner block is canceled; only the one whose limit expired raises ``TimeoutError``."""
    seen: list[type[BaseException]] = []

    async def wait_inside() -> None:
        try:
            await _wait_within(60.0)
        except BaseException as error:
            seen.append(type(error))
            raise

    async def wait_outside() -> None:
        with TimeLimit(0.0):
            await wait_inside()

    async def block() -> None:
        with pytest.raises(TimeoutError):
            await wait_outside()

    assert run(block) == 0
    assert seen == [asyncio.CancelledError]
