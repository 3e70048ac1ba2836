"""A key expired while in use, and whatever uses it keeps trying. Reported once for each expiry."""

from collections.abc import Iterable

from ari.base.clock import DAY_MS, to_rfc3339
from ari.keys.reasons import EXPIRED
from ari.usage.watch.dead_calls import DeadCalls, calls_detail, dead_marks
from ari.usage.watch.model import Limits, MutedMarks, ScanWindow, WatchFinding

_REMEMBERED_MS = 400 * DAY_MS


def find_expired_in_use(
    called: Iterable[DeadCalls], window: ScanWindow, limits: Limits, muted: MutedMarks
) -> list[WatchFinding]:
    """Findings about expired keys that were used since the last scan; they also mute ``dead_calls``."""
    found = []
    for one in called:
        expires_at_ms = one.key.expires_at_ms
        if one.code != EXPIRED.code or expires_at_ms is None or expires_at_ms < window.began_ms:
            continue
        if one.used_at_ms is None or one.used_at_ms < expires_at_ms - limits.in_use_days * DAY_MS:
            continue
        times = {"expires_at": to_rfc3339(expires_at_ms), "last_used_at": to_rfc3339(one.used_at_ms)}
        detail = {**calls_detail(one), **times}
        marks = {f"expired:{one.key.id}:{expires_at_ms}": _REMEMBERED_MS, **dead_marks(one.key.id, limits, muted)}
        finding = WatchFinding("key_expired_in_use", one.key.id, detail, marks)
        if not finding.is_muted(muted):
            found.append(finding)
    return found
