"""Writing down that keys were seen expired, so that a clock set back revives none (security.md 14).

One change of the keys at a time does it for all refusals that wait for it: a key that expired under load, or a database
that is locked, must not take the threads of a worker, nor keep a refusal waiting longer than one such change.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from ari.base.errors import AriError

_log = structlog.get_logger("ari.http")


class ExpiryStamper:
    """Belongs to one event loop. ``stamp`` writes down all that is expired now or was at the instant it is given."""

    def __init__(self, stamp_keys: Callable[[int], Awaitable[object]]) -> None:
        self._stamp_keys = stamp_keys
        self._waiting: list[asyncio.Future[None]] = []
        self._seen_at_ms = 0
        self._runner: asyncio.Task[None] | None = None

    async def stamp(self, seen_at_ms: int) -> None:
        """Return when what was expired at that instant is stamped; or when that failed, and then the refusal stands."""
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
            except Exception as error:  # noqa: BLE001 - whatever it is, who waits here is refused all the same
                reason = str(error) if isinstance(error, AriError) else type(error).__name__
                _log.warning("expired keys could not be stamped", reason=reason)
                # Who came meanwhile has waited too, and would wait again as long for the same.
                batch, self._waiting = batch + self._waiting, []
                self._seen_at_ms = max(self._seen_at_ms, seen_at_ms)  # the next try is of these keys too
            for done in batch:
                if not done.done():
                    done.set_result(None)
