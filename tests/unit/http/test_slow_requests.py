"""Slow requests are in the log with what they waited for, and a flood of them is counted."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from ari.http.context import RequestContext
from ari.http.slow_requests import MAX_PER_REASON, SlowRequests
from tests.support.contexts import a_context, a_key


def slow_context(responded: float | None = 3.0, **waits: float) -> RequestContext:
    """A request that came at 0 and whose response began at ``responded``."""
    context = a_context()
    context.served.responded, context.served.status = responded, 200
    for name, seconds in waits.items():
        wait: Any = name
        context.served.add_wait(wait, seconds)
    return context


def note(*contexts: RequestContext, slow_ms: int = 1_000, whole_seconds: float = 9.0) -> list[Any]:
    """The entries about these requests, until the end of their window."""

    async def run() -> None:
        slow = SlowRequests(slow_ms)
        for context in contexts:
            slow.note(context, whole_seconds)
        slow.end_window()

    with capture_logs() as logs:
        asyncio.run(run())
    return list(logs)


@pytest.mark.parametrize(
    ("waits", "reason"),
    [
        ({"database": 2.5}, "database"),
        ({"database": 0.4, "usage_log": 1.6}, "usage_log"),
        ({"provider": 2.0, "client": 0.9}, "provider"),
        ({"database": 0.1}, "processing"),
        ({}, "processing"),
    ],
)
def test_the_reason_is_the_longest_wait(waits: dict[str, float], reason: str) -> None:
    """If the waits explain less than the rest of the time, ARI itself took it."""
    (entry,) = note(slow_context(3.0, **waits))
    assert (entry["reason"], entry["duration_ms"], entry["status"]) == (reason, 3_000.0, 200)
    assert (entry["method"], entry["route"]) == ("GET", "/api/me")
    assert {name: seconds * 1000 for name, seconds in waits.items()} == {
        name.removesuffix("_ms"): value
        for name, value in entry.items()
        if name.endswith("_ms") and name != "duration_ms"
    }


def test_a_long_stream_that_began_soon_is_not_slow() -> None:
    """The caller chose its length. Without any response, the whole time counts."""
    assert note(slow_context(0.2), whole_seconds=600.0) == []
    (entry,) = note(slow_context(None, provider=599.0), whole_seconds=600.0)
    assert (entry["duration_ms"], entry["reason"]) == (600_000.0, "provider")


@pytest.mark.parametrize(("drained", "reason"), [(0.0, "usage_log"), (1.7, "client")])
def test_the_commit_of_the_response_is_calculated(drained: float, reason: str) -> None:
    """From the time at which it began, without what came after it: the rest of the client's body."""
    context = slow_context(3.0)
    context.record.begin(context.head, "/api/me", None, a_key(), "ok")
    assert context.record.row is not None
    context.record.row.duration_ms = 1_000.0
    if drained:
        context.served.add_wait("client", drained)
    (entry,) = note(context)
    assert (entry["reason"], entry["usage_log_ms"]) == (reason, round(2_000.0 - drained * 1000, 1))


def test_zero_turns_it_off() -> None:
    """No request is slow then."""
    assert SlowRequests(0).min_seconds == float("inf")


def test_a_flood_is_counted_by_reason() -> None:
    """A slow provider hides no slow database."""
    flood = [slow_context(3.0, provider=2.9) for _ in range(MAX_PER_REASON + 7)]
    entries = note(*flood, slow_context(3.0, database=2.9))
    assert [one["reason"] for one in entries if one["event"] == "slow request"] == [
        *["provider"] * MAX_PER_REASON,
        "database",
    ]
    assert [(one["reason"], one["count"]) for one in entries if "count" in one] == [("provider", 7)]


def test_a_strangers_method_is_not_in_the_log() -> None:
    """It may be as long as a head."""
    context = slow_context()
    context.head.method = "A" * 30_000
    (entry,) = note(context)
    assert entry["method"] == "_OTHER"
