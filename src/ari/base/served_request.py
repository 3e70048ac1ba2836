"""The request that this task serves: its ids for the log, and what it waited for.

Setting it takes 0.1 µs. Threads that the request starts see it too; timers and tasks that outlive it don't.
"""

from contextvars import ContextVar
from time import perf_counter
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from ari.base.traces import RequestTrace

Wait = Literal["database", "usage_log", "provider", "client", "email", "queue"]
NOTED_SECONDS = 0.005
"""Shorter waits explain nothing, and noting them would cost each request."""
_STEPS: dict[Wait, str] = {
    "database": "ari.database",
    "client": "ari.read_body",
    "email": "ari.send_email",
    "queue": "ari.wait_for_turn",
}
"""Names of waits in traces; the others have spans with more facts."""


class _Threshold:
    """The shortest wait that is noted, in seconds."""

    def __init__(self) -> None:
        self.seconds = NOTED_SECONDS


class ServedRequest(msgspec.Struct, eq=False, gc=False):
    """``waits`` are seconds by what was waited for. ``status`` and ``responded`` are those of its response.

    ``responded`` is the clock's monotonic time at which a response in several parts began, for a stream of an AI
    provider that of its first bytes; others begin when they end. ``trace`` is ``None`` without tracing.
    """

    request_id: str
    is_served: bool = True
    status: int | None = None
    responded: float | None = None
    waits: dict[Wait, float] | None = None
    trace: "RequestTrace | None" = None

    def add_wait(self, wait: Wait, seconds: float) -> None:
        """Note that the request waited this long."""
        if self.waits is None:
            self.waits = {}
        self.waits[wait] = self.waits.get(wait, 0.0) + seconds


_current: ContextVar[ServedRequest | None] = ContextVar("ari_served_request", default=None)
set_served_request = _current.set
_threshold = _Threshold()


def note_waits_from(seconds: float) -> None:
    """Note shorter waits of this process too: traces have them."""
    _threshold.seconds = seconds


def find_served_request() -> ServedRequest | None:
    """The request that this task or thread serves; ``None`` if there is none, or its response is complete."""
    found = _current.get()
    return found if found is not None and found.is_served else None


def note_wait(wait: Wait, began: float) -> None:
    """Note a wait of the current request since ``began``, in seconds of ``perf_counter``, unless it was short."""
    seconds = perf_counter() - began
    if seconds >= _threshold.seconds:
        request = find_served_request()
        if request is not None:
            request.add_wait(wait, seconds)
            if request.trace is not None and request.trace.is_recording and wait in _STEPS:
                request.trace.add(_STEPS[wait], began)
