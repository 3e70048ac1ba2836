"""What a rule is given and what it finds.

A finding becomes an event of the audit trail, and mails hang off events. Its ``marks`` say what it was about: while one
of them is quiet, no rule tells the same again, in whatever process.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NamedTuple

from ari.base.settings import Settings
from ari.keys.model import ApiKey

Quiet = AbstractSet[str]
"""The marks that were told of late."""
FEW_ADDRESSES = 5
"""How many addresses a finding names."""


@dataclass(frozen=True, slots=True)
class Look:
    """The time looked at: what happened after ``since_ms`` up to ``now_ms``.

    ``began_ms`` is when this instance was first watched: what was so already is not news.
    """

    began_ms: int
    since_ms: int
    now_ms: int


class WatchFinding(NamedTuple):
    """Something to tell; ``marks`` hold for how many milliseconds each is not told again, the finding's own first."""

    name: str
    subject: str | None
    detail: dict[str, Any]
    marks: Mapping[str, int]

    def is_quiet(self, quiet: Quiet) -> bool:
        """Whether this was told already."""
        return next(iter(self.marks)) in quiet


@dataclass(frozen=True, slots=True)
class Limits:
    """When a rule speaks: the settings ``ARI_WATCH_…`` of the same names."""

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
        """As this instance has them."""
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


def named(key: ApiKey) -> dict[str, str]:
    """How a finding names a key."""
    return {"name": key.name, "hint": key.hint}
