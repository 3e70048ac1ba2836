"""Unused keys: one finding per month for all of them, and only in months in which another key became unused."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from ari.base.clock import DAY_MS, to_rfc3339
from ari.keys.listing import LivingKey
from ari.usage.watch.model import Limits, ScanWindow, WatchFinding

MAX_NAMED = 20


def month_of(at_ms: int) -> str:
    """``2027-01``, in UTC."""
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m}"


def find_unused(
    keys: Iterable[LivingKey], used_at_ms: Mapping[str, int], window: ScanWindow, limits: Limits
) -> list[WatchFinding]:
    """The monthly finding about active keys; ``window.since_ms`` is the time of the previous one.

    It lists all keys that are idle for the shortest of ``unused_days`` that a key reached since then, longest first.
    """
    idle = [(key, max(key.created_at_ms, used_at_ms.get(key.id, 0))) for key in keys]
    after_ms = max(window.since_ms, window.began_ms)
    reached = [
        days
        for days in limits.unused_days
        if any(after_ms < at_ms + days * DAY_MS <= window.now_ms for _, at_ms in idle)
    ]
    if not reached:
        return []
    days = min(reached)
    found = sorted(
        ((key, at_ms) for key, at_ms in idle if at_ms + days * DAY_MS <= window.now_ms),
        key=lambda one: (one[1], one[0].name),
    )
    detail = {
        "days": days,
        "count": len(found),
        "keys": [
            {"id": key.id, "name": key.name, "hint": key.hint, "last_used_at": _describe_last_use(key, used_at_ms)}
            for key, _ in found[:MAX_NAMED]
        ],
    }
    return [WatchFinding("keys_unused", None, detail, {f"unused:{month_of(window.now_ms)}": 40 * DAY_MS})]


def _describe_last_use(key: LivingKey, used_at_ms: Mapping[str, int]) -> str | None:
    at_ms = used_at_ms.get(key.id)
    return None if at_ms is None else to_rfc3339(at_ms)
