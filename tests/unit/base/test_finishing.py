"""What must be done before an exception leaves is done, however often the task is canceled during it."""

import asyncio

import pytest

from ari.base.finishing import find_task, finish_canceled, is_canceled, may_wait


def test_work_goes_on_although_its_task_is_canceled_again() -> None:
    """Its result comes once it is done; the task ends afterwards."""

    async def run() -> list[str]:
        done, may_end = list[str](), asyncio.Event()

        async def work() -> str:
            await may_end.wait()
            done.append("worked")
            return "result"

        async def wait() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError as error:
                done.append(str(is_canceled(error, find_task())))
                done.append(await finish_canceled(work()))
                raise

        task = asyncio.create_task(wait())
        for _ in range(3):
            await asyncio.sleep(0)
            task.cancel()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        return done

    assert asyncio.run(run()) == ["True", "worked", "result"]


def test_what_the_work_raises_is_raised() -> None:
    """It is not lost with the task that did the work."""

    async def fail() -> None:
        raise ValueError("it fails")

    with pytest.raises(ValueError, match="it fails"):
        asyncio.run(finish_canceled(fail()))


def test_a_cancellation_of_something_else_ends_no_task() -> None:
    """A handler may wait for a task that was canceled."""

    async def run() -> bool:
        task = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError as error:
            return is_canceled(error, find_task())
        raise AssertionError("not canceled")

    assert asyncio.run(run()) is False


def test_a_coroutine_that_is_closed_may_not_wait() -> None:
    """One that raises the same exception may."""
    found: list[bool] = []

    async def wait(raised: BaseException | None) -> None:
        task = find_task()
        try:
            if raised is not None:
                raise raised
            await asyncio.Event().wait()
        except BaseException as error:  # noqa: BLE001 - any
            found.append(may_wait(error, task))

    closed = wait(None)

    async def begin() -> None:
        closed.send(None)

    asyncio.run(begin())
    closed.close()
    asyncio.run(wait(GeneratorExit()))
    assert found == [False, True]
    assert may_wait(ValueError(), None)
