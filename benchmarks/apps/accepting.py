"""The floor of forward-auth: an ASGI app that accepts every request in the name of one key, and does nothing else."""

from typing import Any

from benchmarks.apps import bare

_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"x-ari-key-id", b"key_01J000000000000000000000AA"),
        (b"x-ari-key-name", b"Bench"),
        (b"x-ari-key-consumer", b""),
        (b"x-ari-key-scopes", b"orders:read"),
        (b"content-length", b"0"),
    ],
}
_END = {"type": "http.response.body", "body": b""}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Accept, or take part in start and stop."""
    if scope["type"] != "http":
        await bare.app(scope, receive, send)
        return
    await send(_START)
    await send(_END)
