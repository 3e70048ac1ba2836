"""Input and results of the rules.

A finding becomes an audit event, which may become an email. Its ``marks`` identify its subject: while a mark is muted,
no rule reports the same again, in any process.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NamedTuple

from ari.base.settings import Settings
from ari.keys.model import ApiKey

MutedMarks = AbstractSet[str]
"""Marks that were reported recently."""
MAX_ADDRESSES = 5
"""Addresses listed in a finding."""


@dataclass(frozen=True, slots=True)
class ScanWindow:
    """The time to scan, after ``since_ms`` up to ``now_ms``.

    ``began_ms`` is when the watch first ran on this instance; earlier conditions aren't reported.
    """

    began_ms: int
    since_ms: int
    now_ms: int


class WatchFinding(NamedTuple):
    """Something to report; ``marks`` maps each mark to the milliseconds it stays muted, the finding's own first."""

    name: str
    subject: str | None
    detail: dict[str, Any]
    marks: Mapping[str, int]

    def is_muted(self, muted: MutedMarks) -> bool:
        """Whether this was already reported."""
        return next(iter(self.marks)) in muted


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds of the rules: the settings ``ARI_WATCH_…`` of the same names."""

    in_use_days: int = 35
    dead_grace_minutes: int = 60
    repeat_days: int = 7
    first_hours: int = 24
    new_from: str = "network"
    many_networks: int = 5
    burst_count: int = 100
    burst_minutes: int = 10
    unused_days: tuple[int, ...] = (30, 90)

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """The settings of this instance."""
        return cls(
            settings.watch_in_use_days,
            settings.watch_dead_grace_minutes,
            settings.watch_repeat_days,
            settings.watch_first_hours,
            settings.watch_new_from,
            settings.watch_many_networks,
            settings.watch_burst_count,
            settings.watch_burst_minutes,
            settings.watch_unused_days,
        )


def describe_key(key: ApiKey) -> dict[str, str]:
    """Name and hint of a key in a finding."""
    return {"name": key.name, "hint": key.hint}
