"""A provider that answers every chat at once: an ASGI app with the answer of a short one, 600 bytes of JSON."""

import json
from typing import Any

_USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 3}}
_CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hello! " * 40}, "finish_reason": "stop"}
BODY = json.dumps({"id": "chatcmpl-1", "model": "m", "choices": [_CHOICE], "usage": _USAGE})
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))],
}
_END = {"type": "http.response.body", "body": BODY.encode()}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Read the request, answer; or take part in start and stop."""
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send(_START)
        await send(_END)
        return
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
