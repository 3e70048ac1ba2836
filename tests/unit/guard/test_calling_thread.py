"""Coroutines that wait for nothing run on the thread that calls; none is left half done without a word."""

import asyncio

import pytest

from ari.guard.calling_thread import run_at_once


async def double(number: int) -> int:
    if number < 0:
        raise ValueError("negative")
    return 2 * number


def test_the_result_and_the_errors_are_those_of_the_coroutine() -> None:
    """As if it was awaited."""
    assert run_at_once(double(4)) == 8
    with pytest.raises(ValueError, match="negative"):
        run_at_once(double(-1))


def test_a_coroutine_that_waits_is_an_error() -> None:
    """It ends in order, so its files and locks are free."""
    ended: list[bool] = []

    async def wait() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            ended.append(True)

    with pytest.raises(RuntimeError, match="event loop"):
        run_at_once(wait())
    assert ended == [True]
