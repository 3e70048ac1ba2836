"""How long a request waits for the database outside verification."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import ParamSpec, TypeVar

from ari.base.errors import Unavailable
from ari.base.served_request import note_wait

P = ParamSpec("P")
T = TypeVar("T")
ANSWER_SECONDS = 15.0
"""Longer than the waits of a healthy database add up to."""


async def in_time(work: Awaitable[T], otherwise: str = "try again") -> T:
    """The result of ``work``. Raises ``Unavailable`` after ``ANSWER_SECONDS``, where a database hangs."""
    began = perf_counter()
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await work
    except TimeoutError:
        raise Unavailable(f"The database did not respond in time; {otherwise}.") from None
    finally:
        note_wait("database", began)


async def run_in_thread(query: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of a query that blocks, such as ``UsageRecords.totals``. Raises what ``in_time`` raises."""
    return await in_time(asyncio.to_thread(query, *args, **kwargs))
