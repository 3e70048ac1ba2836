"""Room for one more in what is remembered, where it is bounded."""

from itertools import islice
from typing import Any

_SHARE = 10


def make_room(remembered: dict[Any, Any], most: int) -> None:
    """Let a tenth go where it is full, spread evenly over all.

    Were it the oldest tenth, a few names more than there is room for, asked for in turn, would never be found: the next
    to be asked for is the oldest.
    """
    if len(remembered) >= most:
        for name in list(islice(remembered, 0, None, _SHARE)):
            del remembered[name]
