"""Room for one more in what is remembered, where it is bounded."""

from itertools import islice
from typing import Any


def make_room(remembered: dict[Any, Any], most: int) -> None:
    """Let the oldest tenth go where it is full: all at once would make each of a few too many begin anew with all."""
    if len(remembered) >= most:
        for name in list(islice(remembered, max(1, most // 10))):
            del remembered[name]
