"""Calls that go on for a while after their caller left, to read what they use."""

from ari.gateway.request_body import RequestBody

MAX_LEFT_CALLS = 100
"""Of one process. Others end at once."""
_NO_RESPONSE_SECONDS, _IN_RESPONSE_SECONDS = 15.0, 10.0
"""A response that ends in time uses the budget that it reports, and a request that the provider refuses uses none."""


class LeftCalls:
    """The calls of one process that go on."""

    def __init__(self) -> None:
        self._calls = set[int]()

    def begin(self, sent: RequestBody, *, has_response: bool) -> float:
        """How many seconds the call may still take."""
        if len(self._calls) >= MAX_LEFT_CALLS:
            return 0.0
        self._calls.add(id(sent))
        return _IN_RESPONSE_SECONDS if has_response else _NO_RESPONSE_SECONDS

    def end(self, sent: RequestBody) -> None:
        """The call is over."""
        self._calls.discard(id(sent))
