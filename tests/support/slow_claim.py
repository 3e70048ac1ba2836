"""A job that is stopped while it claims something under a lease."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any


class SlowClaim:
    """``claim``, which then takes longer than a stop waits for it. Put it in the place of ``claim``."""

    def __init__(self, claim: Callable[..., Any]) -> None:
        self._claim = claim
        self._begun = threading.Event()
        self._may_commit = threading.Event()

    def __call__(self, *given: Any) -> Any:
        claimed = self._claim(*given)
        self._begun.set()
        self._may_commit.wait(10)
        return claimed

    async def stop(self, work: Coroutine[Any, Any, None]) -> None:
        """Run the job, stop it during the claim, and wait for its end. The claim goes on 0.3 s after the stop."""
        job = asyncio.create_task(work)
        await asyncio.to_thread(self._begun.wait, 30)
        job.cancel()
        asyncio.get_running_loop().call_later(0.3, self._may_commit.set)
        await asyncio.gather(job, return_exceptions=True)
