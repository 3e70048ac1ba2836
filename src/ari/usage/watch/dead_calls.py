"""A dead key is still being called: by a machine that was forgotten, or by whoever should not have the key.

Calls in the first hour after a revocation are the owner's own trying out, and programs that are just being changed.
While the calls go on they are told of again, after pauses that grow; after a silence it begins anew.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ari.base.clock import DAY_MS, MINUTE_MS, to_rfc3339
from ari.keys.model import ApiKey
from ari.keys.reasons import EXPIRED, REVOKED
from ari.usage.watch.model import FEW_ADDRESSES, Limits, Quiet, WatchFinding, named

CODES = (EXPIRED.code, REVOKED.code)
_PAUSES = (1, 2, 4)
"""After the first time, the second, and each later one, as multiples of ``repeat_days``."""


class DeadCalls(NamedTuple):
    """What refused calls with a dead key came to.

    ``calls`` and ``addresses`` (last seen first) are those since it died, ``calls_before`` those of them before the
    watch began; ``used_at_ms`` is its last accepted request.
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
        return died_at_ms(self.key)


def died_at_ms(key: ApiKey) -> int:
    """When an inactive key stopped working."""
    ends = (key.revoked_at_ms, key.expires_at_ms, key.expired_seen_at_ms, key.deleted_at_ms)
    return min(at_ms for at_ms in ends if at_ms is not None)


def dead_mark(key_id: str) -> str:
    """What all is marked with that is told of calls with this dead key."""
    return f"dead:{key_id}"


def dead_marks(key_id: str, limits: Limits, quiet: Quiet) -> dict[str, int]:
    """The pause that begins when calls with this key are told of, and a mark that remembers how long it was.

    It is remembered until the pause and a longest one are over: whoever is silent for that time begins anew.
    """
    steps = [f"{dead_mark(key_id)}:{number}" for number in range(len(_PAUSES))]
    told = [number for number, step in enumerate(steps) if step in quiet]
    now = min(told[-1] + 1, len(_PAUSES) - 1) if told else 0
    once_ms = limits.repeat_days * DAY_MS
    return {dead_mark(key_id): _PAUSES[now] * once_ms, steps[now]: (_PAUSES[now] + _PAUSES[-1]) * once_ms}


def dead_calls(called: Iterable[DeadCalls], limits: Limits, quiet: Quiet) -> list[WatchFinding]:
    """What to tell of keys that were called dead since the last look."""
    found = []
    for one in called:
        late = one.last_at_ms - one.died_at_ms > limits.dead_grace_minutes * MINUTE_MS
        if not late or one.calls_before or dead_mark(one.key.id) in quiet:
            continue
        marks = dead_marks(one.key.id, limits, quiet)
        found.append(WatchFinding("dead_key_called", one.key.id, calls_detail(one), marks))
    return found


def calls_detail(one: DeadCalls) -> dict[str, object]:
    """How often, since when and from where it was called."""
    return {
        "code": one.code,
        "count": one.calls,
        "addresses": list(one.addresses[:FEW_ADDRESSES]),
        "since": to_rfc3339(one.died_at_ms),
        **named(one.key),
    }
