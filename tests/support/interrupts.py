"""Exceptions at an exact place of another module, as a signal's handler raises them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def interrupt_after(function: str) -> Iterator[None]:
    """Raise ``KeyboardInterrupt`` where the first call of a function in C with this name returns on this thread."""

    def profile(_frame: FrameType, event: str, function_or_none: Any) -> None:
        if event == "c_return" and function_or_none.__name__ == function:
            sys.setprofile(None)
            raise KeyboardInterrupt

    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(None)
