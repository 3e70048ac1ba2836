"""Keys, times and limits for the tests of the rules."""

from datetime import UTC, datetime
from typing import Any

from ari.base.clock import DAY_MS, MINUTE_MS
from ari.keys.listing import LivingKey
from ari.keys.model import ApiKey
from ari.usage.watch.dead_calls import DeadCalls
from ari.usage.watch.model import Limits, ScanWindow

NOW_MS = 1_800_000_000_000
"""A Friday, 08:00 UTC."""
LIMITS = Limits()
LOOK = ScanWindow(NOW_MS - 100 * DAY_MS, NOW_MS - MINUTE_MS, NOW_MS)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def make_key(**fields: Any) -> ApiKey:
    usual: dict[str, Any] = {"created_at_ms": NOW_MS - 90 * DAY_MS, "created_by": "usr_1", **fields}
    return ApiKey("key_a", "deploy", "ari_k_Ab12…yz89", ("*",), **usual)


def make_living_key(expires_in_ms: int | None = None, made_days_ago: float = 90, name: str = "a") -> LivingKey:
    expires_at_ms = None if expires_in_ms is None else NOW_MS + expires_in_ms
    return LivingKey(f"key_{name}", name, "ari_k_…", NOW_MS - int(made_days_ago * DAY_MS), expires_at_ms)


def make_dead_calls(**fields: Any) -> DeadCalls:
    key = fields.pop("key", make_key(revoked_at_ms=NOW_MS - 2 * DAY_MS))
    usual: dict[str, Any] = {
        "key": key,
        "code": "revoked",
        "last_at_ms": NOW_MS,
        "calls": 4,
        "calls_before": 0,
        "used_at_ms": NOW_MS - 3 * DAY_MS,
        "addresses": tuple(f"192.0.2.{n}" for n in range(9)),
    }
    return DeadCalls(**{**usual, **fields})
