"""How long a service asks to wait before the next request."""

import re
from collections.abc import Sequence

MAX_WAIT_SECONDS = 3600.0
_SECONDS = re.compile(rb"\d{1,6}")


def read_wait_seconds(headers: Sequence[tuple[bytes, bytes]]) -> float:
    """The seconds of ``Retry-After`` or ``RateLimit-Reset``, at most an hour; 0 without either."""
    for wanted in (b"retry-after", b"ratelimit-reset"):
        for name, value in headers:
            if name.lower() == wanted and _SECONDS.fullmatch(value):
                return min(float(value), MAX_WAIT_SECONDS)
    return 0.0
