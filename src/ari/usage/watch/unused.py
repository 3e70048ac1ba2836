"""Keys that nobody uses: one finding a month for all of them, and only in a month in which one more went idle."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from ari.base.clock import DAY_MS, to_rfc3339
from ari.keys.listing import LivingKey
from ari.usage.watch.model import Limits, Look, WatchFinding

MOST_NAMED = 20


def month_of(at_ms: int) -> str:
    """``2027-01``, in UTC."""
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m}"


def keys_unused(
    keys: Iterable[LivingKey], used_at_ms: Mapping[str, int], look: Look, limits: Limits
) -> list[WatchFinding]:
    """What to tell of keys that work, once a month; ``look.since_ms`` is when this was asked last.

    Told of are all keys idle for the shortest time that one of them reached since then, the longest idle first.
    """
    idle = [(key, max(key.created_at_ms, used_at_ms.get(key.id, 0))) for key in keys]
    after_ms = max(look.since_ms, look.began_ms)
    reached = [
        days for days in limits.unused_days if any(after_ms < at_ms + days * DAY_MS <= look.now_ms for _, at_ms in idle)
    ]
    if not reached:
        return []
    days = min(reached)
    found = sorted(
        ((key, at_ms) for key, at_ms in idle if at_ms + days * DAY_MS <= look.now_ms),
        key=lambda one: (one[1], one[0].name),
    )
    detail = {
        "days": days,
        "count": len(found),
        "keys": [
            {"id": key.id, "name": key.name, "hint": key.hint, "last_used_at": _used(key, used_at_ms)}
            for key, _ in found[:MOST_NAMED]
        ],
    }
    return [WatchFinding("keys_unused", None, detail, {f"unused:{month_of(look.now_ms)}": 40 * DAY_MS})]


def _used(key: LivingKey, used_at_ms: Mapping[str, int]) -> str | None:
    at_ms = used_at_ms.get(key.id)
    return None if at_ms is None else to_rfc3339(at_ms)
