"""Which backups to remove: all but the newest of each of the last hours, days, weeks, months and years."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from ari.backups.backup_name import BackupName

MAX_UNVERIFIED = 2
"""Unverified backups that are kept until one is verified."""

_PERIOD_OF: dict[str, Callable[[datetime], object]] = {
    "last": lambda at: at,
    "hourly": lambda at: (at.date(), at.hour),
    "daily": lambda at: at.date(),
    "weekly": lambda at: at.isocalendar()[:2],
    "monthly": lambda at: (at.year, at.month),
    "yearly": lambda at: at.year,
}


def choose_removable(
    found: Sequence[BackupName], written: BackupName, keep: Mapping[str, int] | None
) -> list[BackupName]:
    """The backups of this writer that nothing keeps after ``written``, oldest first.

    ``keep`` is that of ``parse_keep``; its days, weeks, months and years are those of UTC. A verified backup replaces
    all unverified ones, and an unverified one only unverified ones. Names later than ``written`` stay and count for
    nothing: the clock was wrong then, or is wrong now.
    """
    if keep is None:
        return []
    own = [one for one in found if one.writer == written.writer and one.at_ms <= written.at_ms]
    own.sort(key=lambda one: one.at_ms, reverse=True)
    verified = [one for one in own if one.verified]
    unverified = [one for one in own if not one.verified]
    if not written.verified:
        return unverified[MAX_UNVERIFIED:][::-1]
    kept = set(verified[:1])
    for period, count in keep.items():
        kept |= _choose_newest(verified, _PERIOD_OF[period], count)
    return [one for one in reversed(own) if one not in kept]


def _choose_newest(
    names: Sequence[BackupName], find_period: Callable[[datetime], object], count: int
) -> set[BackupName]:
    """The newest of each period, of the last ``count`` periods that have any; ``names`` are newest first."""
    newest: dict[object, BackupName] = {}
    for one in names:
        newest.setdefault(find_period(datetime.fromtimestamp(one.at_ms / 1000, UTC)), one)
    return set(list(newest.values())[:count])
