"""A key in use is about to expire: reported seven days before, and on the last working day before its last day.

A key is in use if it was used since the last working day, or if it isn't idle for much longer than its usual interval.
A key created for less than eight days, or whose expiry was just moved that close, is reported only once, shortly
before: its owner knows.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

from ari.base.clock import DAY_MS, to_rfc3339
from ari.keys.listing import LivingKey
from ari.usage.watch.model import Limits, MutedMarks, ScanWindow, WatchFinding

DAYS = (1, 7)
"""Days before the expiry, the nearest first."""
MAX_EARLIER_MS = 2 * DAY_MS
"""How much earlier a report is because of a weekend."""
_REMEMBERED_MS = 400 * DAY_MS
_FRIDAY = 4
_WEEKEND_MS = 3 * DAY_MS
_LATE = 1.5
"""A key idle for this many times its longest interval is no longer in use."""


class Use(NamedTuple):
    """The last accepted request of a key, and the recent days on which it was used, oldest first."""

    used_at_ms: int
    days_ms: Sequence[int] = ()


def find_expiring(
    keys: Iterable[LivingKey], use: Mapping[str, Use], window: ScanWindow, limits: Limits, muted: MutedMarks
) -> list[WatchFinding]:
    """Findings about active keys with an expiry; keys that were never used are absent from ``use``."""
    found = []
    for key in keys:
        used, days = use.get(key.id), find_due_days(key, window)
        if key.expires_at_ms is None or days is None or used is None or not is_in_use(used, window.now_ms, limits):
            continue
        detail = {"days": days, "expires_at": to_rfc3339(key.expires_at_ms), "name": key.name, "hint": key.hint}
        finding = WatchFinding(
            "key_expiring", key.id, detail, {f"expiring:{key.id}:{key.expires_at_ms}:{days}": _REMEMBERED_MS}
        )
        if not finding.is_muted(muted):
            found.append(finding)
    return found


def find_due_days(key: LivingKey, window: ScanWindow) -> int | None:
    """The nearest of ``DAYS`` before its expiry that the key passed since the last scan."""
    at_ms = key.expires_at_ms
    return None if at_ms is None else next((days for days in DAYS if _is_due(key, at_ms, days, window)), None)


def is_in_use(use: Use, now_ms: int, limits: Limits) -> bool:
    """Whether the key will probably be used again."""
    idle_ms = now_ms - use.used_at_ms
    longest_ms = max((later - earlier for earlier, later in pairwise(use.days_ms)), default=0)
    return idle_ms <= _WEEKEND_MS or idle_ms <= min(_LATE * longest_ms, limits.in_use_days * DAY_MS)


def notify_at_ms(expires_at_ms: int, days: int) -> int:
    """The time of the report this many days before; the last one moves from a weekend (UTC) to the Friday before."""
    at_ms = expires_at_ms - days * DAY_MS
    weekday = datetime.fromtimestamp(at_ms // 1000, UTC).weekday()
    return at_ms - max(0, weekday - _FRIDAY) * DAY_MS if days == DAYS[0] else at_ms


def _is_due(key: LivingKey, expires_at_ms: int, days: int, window: ScanWindow) -> bool:
    at_ms = notify_at_ms(expires_at_ms, days)
    after_ms = max(window.since_ms, window.began_ms, key.created_at_ms + DAY_MS)
    return after_ms < at_ms <= window.now_ms < expires_at_ms
