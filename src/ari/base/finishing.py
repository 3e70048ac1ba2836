"""Work that has to be done before an exception leaves a coroutine, such as logging the response that follows."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def finish_canceled(work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``, which goes on to its end even if the task that waits for it is canceled, or was.

    Raises what it raises. A cancellation during it is dropped, so raise the exception that you have.
    """
    running = asyncio.ensure_future(work)
    while not running.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait((running,))
    return running.result()


def find_task() -> asyncio.Task[Any] | None:
    """The task that runs now, for ``may_wait``."""
    with suppress(RuntimeError):  # no event loop runs: a coroutine is closed
        return asyncio.current_task()
    return None


def may_wait(error: BaseException, task: asyncio.Task[Any] | None) -> bool:
    """Whether a coroutine that got this exception may still wait for anything: not if it is being closed.

    ``task`` ran the coroutine before. A handler may raise ``GeneratorExit``, too, and then the task runs on.
    """
    return not isinstance(error, GeneratorExit) or (task is not None and find_task() is task)


def is_canceled(error: BaseException, task: asyncio.Task[Any] | None) -> bool:
    """Whether the task itself was canceled, which has to end it, rather than something that it waited for."""
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
