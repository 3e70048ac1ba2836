"""Logs slow requests, each with what it waited for most.

A request is slow if its response begins late: a long stream that begins soon is not slow.
"""

import asyncio
from collections import Counter

import structlog

from ari.base.served_request import NOTED_SECONDS
from ari.http.context import RequestContext

MAX_PER_REASON = 10
WINDOW_SECONDS = 60.0
"""At most so many entries for each reason in each of these windows; the rest is counted."""
OWN_WORK = "processing"
"""The reason where a request waited for nothing known: ARI itself was busy with it or with others."""

_log = structlog.get_logger("ari.http")


class SlowRequests:
    """Belongs to one event loop. ``min_seconds`` is infinite if no request is slow."""

    def __init__(self, slow_request_ms: int) -> None:
        self.min_seconds = slow_request_ms / 1000 if slow_request_ms else float("inf")
        self._counts = Counter[str]()
        self._window: asyncio.TimerHandle | None = None

    def note(self, context: RequestContext, whole_seconds: float) -> None:
        """Log the request if it was slow. ``whole_seconds`` is its time from its head to its end."""
        served, record = context.served, context.record
        seconds = whole_seconds if served.responded is None else served.responded - record.started
        if seconds < self.min_seconds:
            return
        _add_commit(context, seconds)
        found = (served.waits or {}).items()
        waits = {name: waited for name, waited in found if NOTED_SECONDS <= waited <= seconds}
        unknown = seconds - sum(waits.values())
        reason = max(waits, key=waits.__getitem__, default=OWN_WORK)
        if reason in waits and unknown > waits[reason]:
            reason = OWN_WORK
        self._counts[reason] += 1
        if self._window is None:
            self._window = asyncio.get_running_loop().call_later(WINDOW_SECONDS, self.end_window)
        if self._counts[reason] > MAX_PER_REASON:
            return
        _log.warning(
            "slow request",
            method=context.head.known_method,
            route=context.route.template,
            status=served.status,
            request_id=context.request_id,
            duration_ms=_to_ms(seconds),
            reason=reason,
            **{f"{name}_ms": _to_ms(waited) for name, waited in waits.items()},
        )

    def end_window(self) -> None:
        """Log how many more requests were slow, for each reason, and begin to count again."""
        if self._window is not None:
            self._window.cancel()
            self._window = None
        counts, self._counts = self._counts, Counter()
        for reason, count in counts.items():
            if count > MAX_PER_REASON:
                _log.warning("more slow requests, not listed", reason=reason, count=count - MAX_PER_REASON)


def _add_commit(context: RequestContext, seconds: float) -> None:
    """Add the wait for the commit that came with the response. It isn't measured, which would cost every request."""
    served, row = context.served, context.record.row
    waits = served.waits or {}
    if row is not None and row.duration_ms is not None and "usage_log" not in waits:
        waited = seconds - row.duration_ms / 1000 - waits.get("client", 0.0)  # the rest of its body comes after it
        if waited >= NOTED_SECONDS:
            served.add_wait("usage_log", waited)


def _to_ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
