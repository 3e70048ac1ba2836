"""Records that keys were seen expired, so that a clock set back revives none (security.md 14).

One transaction at a time stamps the keys of all refusals that wait: neither a key that expires under load nor a locked
database may occupy the threads of a worker, or delay a refusal by more than one such transaction. A caller is not shown
that a key has expired before it is stamped: without the stamp, the next request could find it alive.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from ari.base.errors import AriError, Unavailable

_NOT_STAMPED = "The expiry of this key couldn't be recorded. Try again."

_log = structlog.get_logger("ari.http")


class ExpiryStamper:
    """Belongs to one event loop. ``stamp_keys`` stamps all keys that are expired now or were at the given instant."""

    def __init__(self, stamp_keys: Callable[[int], Awaitable[object]]) -> None:
        self._stamp_keys = stamp_keys
        self._waiting: list[asyncio.Future[None]] = []
        self._seen_at_ms = 0
        self._runner: asyncio.Task[None] | None = None

    async def stamp(self, seen_at_ms: int) -> None:
        """Stamp every key that was expired at that instant. Raises ``Unavailable``."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        self._seen_at_ms = max(self._seen_at_ms, seen_at_ms)
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        await done

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            seen_at_ms, self._seen_at_ms = self._seen_at_ms, 0
            try:
                await self._stamp_keys(seen_at_ms)
                failure = None
            except Exception as error:  # noqa: BLE001 - the waiting requests are refused anyway
                reason = str(error) if isinstance(error, AriError) else type(error).__name__
                _log.warning("expired keys could not be stamped", reason=reason)
                # Fail the requests queued during the timeout too; retrying would time out again.
                batch, self._waiting = batch + self._waiting, []
                self._seen_at_ms = max(self._seen_at_ms, seen_at_ms)  # the next try is of these keys too
                failure = reason
            for done in batch:
                if done.done():
                    continue
                if failure is None:
                    done.set_result(None)
                else:
                    done.set_exception(Unavailable(_NOT_STAMPED, reason=failure))
