"""The rules for all keys of an instance: the longest lifetime, and what happens to keys that nobody uses."""

from dataclasses import dataclass
from typing import Protocol

from ari.base.clock import DAY_MS
from ari.base.errors import Invalid, Problem
from ari.keys.model import ApiKey

LONGEST_DAYS = 3_650


@dataclass(frozen=True, slots=True)
class InstancePolicy:
    """``None`` = no such rule, the default of both.

    ``max_lifetime_days`` counts from when an expiry is set, ``disable_unused_days`` from a key's last allowed request,
    or from when it was created or enabled.
    """

    max_lifetime_days: int | None = None
    disable_unused_days: int | None = None


class InstancePolicyStore(Protocol):
    """The policy inside one transaction."""

    def get(self) -> InstancePolicy:
        """The present policy."""

    def save(self, policy: InstancePolicy, actor: str, now_ms: int) -> None:
        """Replace it."""


def parse_days(field: str, days: int | None) -> int | None:
    """A number of days. Raises ``Invalid``."""
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise Invalid(Problem(field, f"Use 1 to {LONGEST_DAYS} days."))
    return days


def is_unused(key: ApiKey, last_used_at_ms: int | None, cutoff_ms: int) -> bool:
    """Whether the key was neither used nor created nor enabled since the cutoff."""
    return max(key.created_at_ms, key.enabled_at_ms or 0, last_used_at_ms or 0) <= cutoff_ms


def limit_lifetime(policy: InstancePolicy, expires_at_ms: int | None, now_ms: int, *, chosen: bool) -> int | None:
    """The expiry of a key, at most the longest lifetime away.

    A default, which nobody has ``chosen``, is cut to the latest that is allowed. Raises ``Invalid`` for a chosen one
    that is later, or never.
    """
    days = policy.max_lifetime_days
    if days is None:
        return expires_at_ms
    latest_ms = now_ms + days * DAY_MS
    if expires_at_ms is not None and expires_at_ms <= latest_ms:
        return expires_at_ms
    if not chosen:
        return latest_ms
    rule = "1 day" if days == 1 else f"{days} days"
    raise Invalid(Problem("expires_at", f"Keys of this instance must expire within {rule}. Choose an earlier time."))
