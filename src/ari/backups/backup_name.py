"""The names of scheduled backups. A name says when the backup was begun, by which writer, and if it is verified.

The writer is the instance, and which restore it began with: a trial restore has the same instance id as the original.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from ari.base.clock import MINUTE_MS

_NAME = re.compile(r"ari-([0-9]{8}T[0-9]{6}Z)-(ins_[0-9A-Z]{26})(?:-(res_[0-9A-Z]{26}))?(\.unverified)?\.backup")
_PARTIAL = re.compile(r"\.ari-ins_[0-9A-Z]{26}(-res_[0-9A-Z]{26})?-job_[0-9A-Z]{26}\.partial")
_TIME = "%Y%m%dT%H%M%SZ"
_CLOCKS_DIFFER_MS = 5 * MINUTE_MS
"""The clocks of two machines may differ by this much."""


@dataclass(frozen=True, slots=True)
class BackupName:
    """``ari-20270115T030000Z-ins_….backup``, or ``….unverified.backup`` for one that couldn't be verified.

    After a restore ``ins_…`` is followed by ``-res_…``, the ``lineage``.
    """

    at_ms: int
    instance: str
    verified: bool = True
    lineage: str = ""

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
        return cls(round(at.timestamp() * 1000), found[2], found[4] is None, found[3] or "")

    @property
    def writer(self) -> str:
        """The instance and its lineage: only what one writer wrote is one row of backups."""
        return name_writer(self.instance, self.lineage)

    def is_ahead(self, now_ms: int) -> bool:
        """Whether it is from the future: the clock was wrong then, or is wrong now."""
        return self.at_ms > now_ms + _CLOCKS_DIFFER_MS

    def describe_mismatch(self, created_ms: int, instance: str | None) -> str | None:
        """A sentence if the file of this name is another backup, such as a copy of an older one; else ``None``."""
        is_same = self.at_ms // 1000 == created_ms // 1000 and instance in (None, self.instance)
        if is_same:
            return None
        at = datetime.fromtimestamp(created_ms // 1000, UTC).strftime(_TIME)
        return f"{self} isn't what its name says: it is a backup of {at} by {instance or 'an unknown instance'}."

    def __str__(self) -> str:
        at = datetime.fromtimestamp(self.at_ms // 1000, UTC).strftime(_TIME)
        return f"ari-{at}-{self.writer}{'' if self.verified else '.unverified'}.backup"


def name_writer(instance: str, lineage: str) -> str:
    """The writer in names: ``ins_…``, or ``ins_…-res_…`` after a restore."""
    return f"{instance}-{lineage}" if lineage else instance


def find_newest_of_each(names: Iterable[BackupName]) -> list[BackupName]:
    """The newest backup of each writer, newest first. In the same second, the restored instance wrote later."""
    newest: dict[str, BackupName] = {}
    for one in sorted(names, key=lambda name: (name.at_ms, name.lineage), reverse=True):
        newest.setdefault(one.writer, one)
    return list(newest.values())


def is_partial(text: str) -> bool:
    """Whether it is the name of a backup that is being written, or that a killed process left."""
    return _PARTIAL.fullmatch(text) is not None
