"""The names of scheduled backups. A name says when the backup was begun, of which instance, and if it is verified."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from ari.base.clock import MINUTE_MS

_NAME = re.compile(r"ari-(\d{8}T\d{6}Z)-(ins_[0-9A-Z]{26})(\.unverified)?\.backup")
_TIME = "%Y%m%dT%H%M%SZ"
_CLOCKS_DIFFER_MS = 5 * MINUTE_MS
"""The clocks of two machines may differ by this much."""


@dataclass(frozen=True, slots=True)
class BackupName:
    """``ari-20270115T030000Z-ins_….backup``, or ``….unverified.backup`` for one that couldn't be verified."""

    at_ms: int
    instance: str
    verified: bool = True

    @classmethod
    def parse(cls, text: str) -> "BackupName | None":
        """The name, or ``None`` for a file that scheduled backups didn't write."""
        found = _NAME.fullmatch(text)
        if found is None:
            return None
        try:
            at = datetime.strptime(found[1], _TIME).replace(tzinfo=UTC)
        except ValueError:
            return None
        return cls(round(at.timestamp() * 1000), found[2], found[3] is None)

    def is_ahead(self, now_ms: int) -> bool:
        """Whether it is from the future: the clock was wrong then, or is wrong now."""
        return self.at_ms > now_ms + _CLOCKS_DIFFER_MS

    def __str__(self) -> str:
        at = datetime.fromtimestamp(self.at_ms // 1000, UTC).strftime(_TIME)
        return f"ari-{at}-{self.instance}{'' if self.verified else '.unverified'}.backup"
