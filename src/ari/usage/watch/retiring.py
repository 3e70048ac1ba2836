"""An old secret that is still in use retires soon: reported once, the day before or, of a short overlap, in its last
quarter.

It is in use if it had an accepted request in the latter half of the time since the rotation. Overlaps of less than four
hours are not reported, because the person that rotated the key is still there.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ari.base.clock import DAY_MS, HOUR_MS, to_rfc3339
from ari.usage.model import SecretUse
from ari.usage.watch.model import MAX_ADDRESSES, MutedMarks, ScanWindow, WatchFinding

MAX_LEAD_MS = DAY_MS
_MIN_LEAD_MS = HOUR_MS
_PART = 4
_REMEMBERED_MS = 40 * DAY_MS


class RetiringSecret(NamedTuple):
    """An old secret of a key that works: its number and hint, when the key was rotated, and when it retires."""

    key_id: str
    name: str
    number: int
    hint: str
    rotated_at_ms: int
    retires_at_ms: int

    @property
    def notify_at_ms(self) -> int | None:
        """When to report it; ``None`` if the overlap is too short."""
        lead_ms = min(MAX_LEAD_MS, (self.retires_at_ms - self.rotated_at_ms) // _PART)
        return None if lead_ms < _MIN_LEAD_MS else self.retires_at_ms - lead_ms

    def is_due(self, window: ScanWindow) -> bool:
        """Whether its time came since the last scan."""
        at_ms = self.notify_at_ms
        return at_ms is not None and max(window.since_ms, window.began_ms) < at_ms <= window.now_ms < self.retires_at_ms


def find_retiring(
    secrets: Iterable[RetiringSecret], use: Mapping[tuple[str, int], SecretUse], window: ScanWindow, muted: MutedMarks
) -> list[WatchFinding]:
    """Findings about secrets that are due and in use; ``use`` is by key and number."""
    found = []
    for secret in secrets:
        used = use.get((secret.key_id, secret.number))
        half_ms = window.now_ms - (window.now_ms - secret.rotated_at_ms) // 2
        if not secret.is_due(window) or used is None or (used.last_used_at_ms or 0) < half_ms:
            continue
        detail = {
            "name": secret.name,
            "hint": secret.hint,
            "number": secret.number,
            "retires_at": to_rfc3339(secret.retires_at_ms),
            "last_used_at": to_rfc3339(used.last_used_at_ms or 0),
            "addresses": [client.value for client in used.addresses if client.accepted_count][:MAX_ADDRESSES],
        }
        mark = f"retiring:{secret.key_id}:{secret.number}"
        finding = WatchFinding("key_secret_retiring", secret.key_id, detail, {mark: _REMEMBERED_MS})
        if not finding.is_muted(muted):
            found.append(finding)
    return found
