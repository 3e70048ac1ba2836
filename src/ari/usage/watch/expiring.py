"""A key in use is about to expire: told seven days before, and on the last working day before its last day.

Nothing is said of keys that nobody would miss: in use is a key that was used since the last working day, or that is
not idle for longer than one that is used at such intervals. A key that was made for less than a week and a day, or
whose expiry was moved so near just now, is told of once only, shortly before: whoever did that knows.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

from ari.base.clock import DAY_MS, to_rfc3339
from ari.keys.listing import LivingKey
from ari.usage.watch.model import Limits, Look, Quiet, WatchFinding

DAYS = (1, 7)
"""How many days before, the nearest first."""
MOST_EARLIER_MS = 2 * DAY_MS
"""How far a weekend moves it."""
_REMEMBERED_MS = 400 * DAY_MS
_FRIDAY = 4
_WEEKEND_MS = 3 * DAY_MS
_LATE = 1.5
"""A key that is idle for so many times its longest interval is out of use."""


class Use(NamedTuple):
    """When a key had its last accepted request, and the days of late on which it was used, oldest first."""

    used_at_ms: int
    days_ms: Sequence[int] = ()


def expiring(
    keys: Iterable[LivingKey], use: Mapping[str, Use], look: Look, limits: Limits, quiet: Quiet
) -> list[WatchFinding]:
    """What to tell of keys that work and have an expiry; keys that were never used are absent from ``use``."""
    found = []
    for key in keys:
        used, days = use.get(key.id), due_days(key, look)
        if key.expires_at_ms is None or days is None or used is None or not is_in_use(used, look.now_ms, limits):
            continue
        detail = {"days": days, "expires_at": to_rfc3339(key.expires_at_ms), "name": key.name, "hint": key.hint}
        finding = WatchFinding(
            "key_expiring", key.id, detail, {f"expiring:{key.id}:{key.expires_at_ms}:{days}": _REMEMBERED_MS}
        )
        if not finding.is_quiet(quiet):
            found.append(finding)
    return found


def due_days(key: LivingKey, look: Look) -> int | None:
    """Which of the lines before its expiry the key has passed since the last look, the nearest."""
    at_ms = key.expires_at_ms
    return None if at_ms is None else next((days for days in DAYS if _is_due(key, at_ms, days, look)), None)


def is_in_use(use: Use, now_ms: int, limits: Limits) -> bool:
    """Whether it can be expected to be used again."""
    idle_ms = now_ms - use.used_at_ms
    longest_ms = max((later - earlier for earlier, later in pairwise(use.days_ms)), default=0)
    return idle_ms <= _WEEKEND_MS or idle_ms <= min(_LATE * longest_ms, limits.in_use_days * DAY_MS)


def told_at_ms(expires_at_ms: int, days: int) -> int:
    """So many days before; a last day's notice that would come on a weekend (UTC) comes on the Friday before."""
    at_ms = expires_at_ms - days * DAY_MS
    weekday = datetime.fromtimestamp(at_ms // 1000, UTC).weekday()
    return at_ms - max(0, weekday - _FRIDAY) * DAY_MS if days == DAYS[0] else at_ms


def _is_due(key: LivingKey, expires_at_ms: int, days: int, look: Look) -> bool:
    at_ms = told_at_ms(expires_at_ms, days)
    after_ms = max(look.since_ms, look.began_ms, key.created_at_ms + DAY_MS)
    return after_ms < at_ms <= look.now_ms < expires_at_ms
