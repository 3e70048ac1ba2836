"""HEAD gets the head that GET would get, and no body (RFC 9110 §9.3.2)."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from ari.http.head_method import HeadSent, head_only


def test_an_endpoint_that_streams_stops_after_the_head() -> None:
    """Nothing of its body is sent, and it does not run on for a client that wants none."""
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]}

    async def respond() -> None:
        await head_only(send)(start)

    with pytest.raises(HeadSent):
        asyncio.run(respond())
    assert sent == [start, {"type": "http.response.body", "body": b""}]
