"""Calls whose caller left go on for a bounded time, and only so many of them."""

from ari.gateway.left_calls import MAX_LEFT_CALLS, LeftCalls
from ari.gateway.request_body import RequestBody


async def _receive() -> dict[str, object]:
    raise AssertionError


def test_only_so_many_calls_go_on() -> None:
    """The others end at once, until one of these is over."""
    calls, bodies = LeftCalls(), [RequestBody(_receive, None, b"") for _ in range(MAX_LEFT_CALLS + 1)]
    assert {calls.begin(one, has_response=True) for one in bodies[:-1]} == {10.0}
    assert calls.begin(bodies[-1], has_response=False) == 0
    calls.end(bodies[-1])
    assert calls.begin(bodies[-1], has_response=False) == 0
    calls.end(bodies[0])
    assert calls.begin(bodies[-1], has_response=False) == 15
