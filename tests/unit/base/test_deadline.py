"""How long callers wait for the database."""

import asyncio
import threading

import pytest

from ari.base import deadline
from ari.base.deadline import in_time, run_in_thread
from ari.base.errors import Unavailable


def test_a_request_does_not_wait_for_a_hanging_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets a 503, never a guess, with whether repeating is safe."""
    monkeypatch.setattr(deadline, "ANSWER_SECONDS", 0.0)

    async def hang() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Unavailable, match="try again"):
        asyncio.run(in_time(hang()))
    with pytest.raises(Unavailable, match="the change may still be made"):
        asyncio.run(in_time(hang(), "the change may still be made"))


def test_a_query_blocks_a_thread_and_not_the_event_loop() -> None:
    """Other requests of the worker go on; its result and its error are the caller's."""

    def query(number: int, *, times: int) -> tuple[int, bool]:
        return number * times, threading.current_thread() is threading.main_thread()

    def fail() -> None:
        raise Unavailable("The usage log cannot be read now.")

    assert asyncio.run(run_in_thread(query, 2, times=3)) == (6, False)
    with pytest.raises(Unavailable, match="cannot be read"):
        asyncio.run(run_in_thread(fail))
