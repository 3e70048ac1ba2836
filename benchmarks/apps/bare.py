"""The floor: an ASGI app that answers every request with five fields of JSON, and does nothing else."""

from typing import Any

BODY = b'{"id":"thing_1","name":"a thing","size":3,"tags":["x"],"ok":true}'
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))],
}
_END = {"type": "http.response.body", "body": BODY}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer, or take part in start and stop."""
    if scope["type"] == "http":
        await send(_START)
        await send(_END)
        return
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
