"""An inactive key is still being used, by a forgotten machine or by someone who shouldn't have the key.

Calls in the first hour after a revocation are ignored: the owner is trying it out, or programs are being changed. While
the calls continue, they are reported again after growing pauses; after a long silence, the pauses start over.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ari.base.clock import DAY_MS, MINUTE_MS, to_rfc3339
from ari.keys.model import ApiKey
from ari.keys.reasons import EXPIRED, REVOKED
from ari.usage.watch.model import MAX_ADDRESSES, Limits, MutedMarks, WatchFinding, describe_key

CODES = (EXPIRED.code, REVOKED.code)
_PAUSES = (1, 2, 4)
"""Pauses after the first, second and later findings, as multiples of ``repeat_days``."""


class DeadCalls(NamedTuple):
    """Refused calls with an inactive key.

    ``calls`` and ``addresses`` (last seen first) are those since it became inactive, ``calls_before`` the calls before
    the watch began; ``used_at_ms`` is its last accepted request.
    """

    key: ApiKey
    code: str
    last_at_ms: int
    calls: int
    calls_before: int
    used_at_ms: int | None
    addresses: tuple[str, ...]

    @property
    def died_at_ms(self) -> int:
        return find_end_ms(self.key)


def find_end_ms(key: ApiKey) -> int:
    """When an inactive key stopped working."""
    ends = (key.revoked_at_ms, key.expires_at_ms, key.expired_seen_at_ms, key.deleted_at_ms)
    return min(at_ms for at_ms in ends if at_ms is not None)


def dead_mark(key_id: str) -> str:
    """The mark of all findings about calls with this inactive key."""
    return f"dead:{key_id}"


def dead_marks(key_id: str, limits: Limits, muted: MutedMarks) -> dict[str, int]:
    """The marks of the next pause, and of its length.

    The length is remembered for the pause plus the longest pause; after that much silence, the pauses start over.
    """
    steps = [f"{dead_mark(key_id)}:{number}" for number in range(len(_PAUSES))]
    earlier = [number for number, step in enumerate(steps) if step in muted]
    now = min(earlier[-1] + 1, len(_PAUSES) - 1) if earlier else 0
    once_ms = limits.repeat_days * DAY_MS
    return {dead_mark(key_id): _PAUSES[now] * once_ms, steps[now]: (_PAUSES[now] + _PAUSES[-1]) * once_ms}


def find_dead_calls(called: Iterable[DeadCalls], limits: Limits, muted: MutedMarks) -> list[WatchFinding]:
    """Findings about inactive keys that were used since the last scan."""
    found = []
    for one in called:
        late = one.last_at_ms - one.died_at_ms > limits.dead_grace_minutes * MINUTE_MS
        if not late or one.calls_before or dead_mark(one.key.id) in muted:
            continue
        marks = dead_marks(one.key.id, limits, muted)
        found.append(WatchFinding("dead_key_called", one.key.id, calls_detail(one), marks))
    return found


def calls_detail(one: DeadCalls) -> dict[str, object]:
    """How often, since when and from where the key was used."""
    return {
        "code": one.code,
        "count": one.calls,
        "addresses": list(one.addresses[:MAX_ADDRESSES]),
        "since": to_rfc3339(one.died_at_ms),
        **describe_key(one.key),
    }
