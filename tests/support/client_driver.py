"""The blocking and the asynchronous client behind one face, so that one test covers both."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from ari.client import AriClient, AsyncAriClient


class ClientDriver:
    """Runs calls of a client, which is blocking or asynchronous."""

    def __init__(self, client: Any, *, is_async: bool) -> None:
        self._loop = asyncio.new_event_loop() if is_async else None
        self.client = client

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
        """Close the client and the loop."""
        self(lambda client: client.close())
        self.close_loop()

    def close_loop(self) -> None:
        if self._loop is not None:
            self._loop.close()


def connect_client(kind: str, *arguments: Any, **options: Any) -> ClientDriver:
    """A client of one ``kind``, ``sync`` or ``async``, with the arguments of the client."""
    is_async = kind == "async"
    made: Any = (AsyncAriClient if is_async else AriClient)(*arguments, **options)
    return ClientDriver(made, is_async=is_async)


async def _collect(values: AsyncIterator[Any]) -> list[Any]:
    return [value async for value in values]


async def _wait(result: Awaitable[Any]) -> Any:
    return await result
