"""How a response ended, by its content and by its connections."""

import asyncio
from typing import cast

import pytest

from ari.gateway.meter import NoMeter
from ari.gateway.provider_response import ProviderResponse
from ari.gateway.relay import MAX_READ_ON_BYTES, find_outcome, read_on
from ari.usage.ai import Ended
from tests.unit.gateway.metering import EVENTS, JSON, event, feed

_BEGUN = event({"type": "message_start", "message": {}})
_ERROR = event({"error": "x"})


@pytest.mark.parametrize(
    ("chunk", "ended", "is_read", "expected"),
    [
        (b"{}", "complete", True, "complete"),
        (b"{}", "client_gone", True, "complete"),
        (b"{}", "client_gone", False, "client_gone"),
        (b"{}", "cut", False, "cut"),
        (b"{}", "timed_out", False, "timed_out"),
        (b"data: [DONE]\n\n", "client_gone", False, "complete"),
        (_BEGUN, "client_gone", True, "cut"),
        (_BEGUN, "complete", True, "cut"),
        (_BEGUN, "client_gone", False, "client_gone"),
        (_ERROR, "client_gone", True, "error"),
    ],
)
def test_a_caller_that_leaves_with_the_last_byte_has_everything(
    chunk: bytes, ended: Ended, is_read: bool, expected: Ended
) -> None:
    """Otherwise its use would count as unknown. What is missing at the provider is still missing."""
    meter = feed(JSON if chunk == b"{}" else EVENTS, chunk)
    assert find_outcome(meter, ended, is_read) == expected


class _Endless:
    """A response without an end."""

    def __init__(self) -> None:
        self.count = 0

    async def read(self) -> bytes:
        self.count += 1
        return b"x" * (MAX_READ_ON_BYTES // 4)


def test_reading_on_for_a_caller_that_left_is_bounded() -> None:
    """A provider may send without end."""
    endless = _Endless()
    asyncio.run(read_on(cast("ProviderResponse", endless), NoMeter(), b"x", None))
    assert endless.count == 5
