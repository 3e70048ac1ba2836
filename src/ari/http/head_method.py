"""HEAD to an endpoint that was written for GET: the same head, no body (RFC 9110 §9.3.2)."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class HeadSent(OSError):
    """The response to a HEAD is complete. An endpoint that streams stops at it, as if the client had hung up."""


def head_only(send: Send) -> Send:
    """A ``send`` that ends the response after its head. Raises ``HeadSent`` then."""

    async def send_head(message: MutableMapping[str, Any]) -> None:
        await send(message)
        if message["type"] == "http.response.start":
            await send({"type": "http.response.body", "body": b""})
            raise HeadSent

    return send_head
