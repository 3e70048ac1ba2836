"""A provider that answers every chat at once: an ASGI app with a short chat, whole (600 bytes) or streamed (16 events).

The model that a request names says how its stream goes: ``pause`` waits 50 ms after the first event, ``hold`` sends one
and then nothing until the caller leaves, and all others send all events at once.
"""

import asyncio
import json
from typing import Any

_USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 3}}
_CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hello! " * 40}, "finish_reason": "stop"}
_HEAD = {"id": "chatcmpl-1", "created": 1, "model": "gpt-5-mini"}
BODY = json.dumps({**_HEAD, "object": "chat.completion", "choices": [_CHOICE], "usage": _USAGE})
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))],
}
_END = {"type": "http.response.body", "body": BODY.encode()}
_STREAM_START = {**_START, "headers": [(b"content-type", b"text/event-stream")]}
PAUSE_SECONDS = 0.05


def _event(delta: dict[str, str], reason: str | None = None, **more: Any) -> bytes:
    choices = [] if "usage" in more else [{"index": 0, "delta": delta, "finish_reason": reason}]
    chunk = {**_HEAD, "object": "chat.completion.chunk", "choices": choices, **more}
    return b"data: %s\n\n" % json.dumps(chunk).encode()


_FIRST = _event({"role": "assistant", "content": "Hello!"})
_MIDDLE = [*[_event({"content": " Hello!"})] * 13, _event({}, "stop")]
_USAGE_EVENT = _event({}, usage=_USAGE)
_DONE = b"data: [DONE]\n\n"


def _part(body: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": True}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Read the request, answer; or take part in start and stop."""
    if scope["type"] == "http":
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        asked = json.loads(body)
        if asked.get("stream"):
            await _stream(asked, receive, send)
            return
        await send(_START)
        await send(_END)
        return
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def _stream(asked: dict[str, Any], receive: Any, send: Any) -> None:
    await send(_STREAM_START)
    await send(_part(_FIRST))
    if asked["model"] == "hold":
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    if asked["model"] == "pause":
        await asyncio.sleep(PAUSE_SECONDS)
    for event in _MIDDLE:
        await send(_part(event))
    if (asked.get("stream_options") or {}).get("include_usage"):
        await send(_part(_USAGE_EVENT))
    await send({"type": "http.response.body", "body": _DONE})
