"""A dead key is still being called: by a machine that was forgotten, or by whoever should not have the key.

Calls in the first hour after a revocation are the owner's own trying out, and programs that are just being changed.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ari.base.clock import DAY_MS, MINUTE_MS, to_rfc3339
from ari.keys.model import ApiKey
from ari.keys.reasons import EXPIRED, REVOKED
from ari.usage.watch.model import FEW_ADDRESSES, Finding, Limits, Quiet, named

CODES = (EXPIRED.code, REVOKED.code)


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
    ends = (key.revoked_at_ms, key.expires_at_ms, key.expired_seen_at_ms)
    return min(at_ms for at_ms in ends if at_ms is not None)


def dead_mark(key_id: str) -> str:
    """What all is marked with that is told of calls with this dead key."""
    return f"dead:{key_id}"


def dead_calls(called: Iterable[DeadCalls], limits: Limits, quiet: Quiet) -> list[Finding]:
    """What to tell of keys that were called dead since the last look."""
    found = []
    for one in called:
        late = one.last_at_ms - one.died_at_ms > limits.dead_grace_minutes * MINUTE_MS
        if not late or one.calls_before or dead_mark(one.key.id) in quiet:
            continue
        marks = {dead_mark(one.key.id): limits.repeat_days * DAY_MS}
        found.append(Finding("dead_key_called", one.key.id, calls_detail(one), marks))
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
