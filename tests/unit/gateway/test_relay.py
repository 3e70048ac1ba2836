"""How a response ended, by its content and by its connections."""

import pytest

from ari.gateway.relay import find_outcome
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
