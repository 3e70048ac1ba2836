"""A key expired while it was in use: something stopped working, and calls on. Told once for each expiry."""

from collections.abc import Iterable

from ari.base.clock import DAY_MS, to_rfc3339
from ari.keys.reasons import EXPIRED
from ari.usage.watch.dead_calls import DeadCalls, calls_detail, dead_marks
from ari.usage.watch.model import Limits, Look, Quiet, WatchFinding

_REMEMBERED_MS = 400 * DAY_MS


def expired_in_use(called: Iterable[DeadCalls], look: Look, limits: Limits, quiet: Quiet) -> list[WatchFinding]:
    """What to tell of expired keys that were called since the last look; it also counts as told that they are dead."""
    found = []
    for one in called:
        expires_at_ms = one.key.expires_at_ms
        if one.code != EXPIRED.code or expires_at_ms is None or expires_at_ms < look.began_ms:
            continue
        if one.used_at_ms is None or one.used_at_ms < expires_at_ms - limits.in_use_days * DAY_MS:
            continue
        times = {"expires_at": to_rfc3339(expires_at_ms), "last_used_at": to_rfc3339(one.used_at_ms)}
        detail = {**calls_detail(one), **times}
        marks = {f"expired:{one.key.id}:{expires_at_ms}": _REMEMBERED_MS, **dead_marks(one.key.id, limits, quiet)}
        finding = WatchFinding("key_expired_in_use", one.key.id, detail, marks)
        if not finding.is_quiet(quiet):
            found.append(finding)
    return found
