"""The blocking and the asynchronous client behind one face, so that one test covers both."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from ari.client import AriClient, AsyncAriClient


class ClientDriver:
    """Runs calls of a client of one ``kind``, ``sync`` or ``async``, with the arguments of the client."""

    def __init__(self, kind: str, *arguments: Any, **options: Any) -> None:
        self._loop = asyncio.new_event_loop() if kind == "async" else None
        self.client: Any = (AsyncAriClient if self._loop else AriClient)(*arguments, **options)

    def __call__(self, act: Callable[[Any], Any]) -> Any:
        """The result of a call; a list for everything that is iterated over."""
        result = act(self.client)
        if self._loop is None:
            return list(result) if hasattr(result, "__iter__") and not isinstance(result, dict) else result
        if hasattr(result, "__aiter__"):
            return self._loop.run_until_complete(_collect(result))
        if isinstance(result, Awaitable):
            return self._loop.run_until_complete(_wait(result))
        return result

    def close(self) -> None:
        self(lambda client: client.close())
        if self._loop is not None:
            self._loop.close()


async def _collect(values: AsyncIterator[Any]) -> list[Any]:
    return [value async for value in values]


async def _wait(result: Awaitable[Any]) -> Any:
    return await result
