"""``RateLimit-Policy`` and ``RateLimit``: the limits of the calling key (draft-ietf-httpapi-ratelimit-headers-11)."""

from ari.base.clock import SECOND_MS
from ari.http.problem import Header
from ari.keys.limits.charge import Decision
from ari.keys.limits.counter import Remaining


def limit_headers(decision: Decision) -> list[Header]:
    """Both fields, as lists of structured fields; names are of characters that need no escape. None without limits."""
    if not decision.remaining:
        return []
    policies = ", ".join(map(_format_policy, decision.remaining))
    states = ", ".join(_format_state(one, decision) for one in decision.remaining)
    return [(b"ratelimit-policy", policies.encode()), (b"ratelimit", states.encode())]


def _format_policy(one: Remaining) -> str:
    window = "" if one.window_ms is None else f";w={one.window_ms // SECOND_MS}"
    return f'"{one.name}";q={one.limit}{window}'


def _format_state(one: Remaining, decision: Decision) -> str:
    """``t`` is when there is more; for the limit that refuses, the time in Retry-After."""
    seconds = None if one.more_in_ms is None else -(-one.more_in_ms // SECOND_MS)
    if decision.exceeded is not None and decision.exceeded.name == one.name:
        seconds = decision.retry_after_seconds
    return f'"{one.name}";r={one.remaining}' + ("" if seconds is None else f";t={seconds}")
